"use strict";
// Draws /openapi.json. Text is set as text, never as HTML.

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  Object.assign(node, attributes);
  node.append(...children);
  return node;
}

function resolve(doc, schema) {
  if (!schema || !schema.$ref) return schema || {};
  return doc.components.schemas[schema.$ref.split("/").pop()] || {};
}

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "any";
  if (schema.items) return type + " of " + typeOf(schema.items);
  if (schema.enum) return schema.enum.join(" | ");
  return schema.format ? type + " (" + schema.format + ")" : type;
}

function limits(schema) {
  const said = [];
  for (const name of ["default", "minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern"]) {
    if (schema && schema[name] !== undefined) said.push(name + " " + schema[name]);
  }
  if (schema && schema.examples) said.push("such as " + JSON.stringify(schema.examples[0]));
  return said.length ? " (" + said.join(", ") + ")" : "";
}

function table(rows) {
  const body = make("tbody");
  for (const [name, type, text] of rows) {
    body.append(make("tr", {}, make("td", {}, make("code", {}, name)), make("td", {}, type), make("td", {}, text)));
  }
  return make("table", {}, body);
}

function fields(doc, schema, depth) {
  const object = resolve(doc, schema);
  if (object.items && depth < 3) return fields(doc, object.items, depth);
  const rows = [];
  for (const [name, property] of Object.entries(object.properties || {})) {
    const needed = (object.required || []).includes(name) ? "" : "optional. ";
    rows.push([name, typeOf(property), needed + (property.description || "") + limits(property)]);
    const inner = resolve(doc, property.items || property);
    if (inner.properties && depth < 2) {
      for (const [sub, type, text] of fields(doc, inner, depth + 1)) rows.push([name + "." + sub, type, text]);
    }
  }
  return rows;
}

function content(doc, title, holder) {
  const out = [];
  for (const [kind, media] of Object.entries((holder && holder.content) || {})) {
    out.push(make("h4", {}, title + ": " + kind + " " + typeOf(media.schema)));
    const rows = fields(doc, media.schema, 0);
    if (rows.length) out.push(table(rows));
  }
  return out;
}

function operation(doc, path, method, op) {
  const box = make("details", { id: op.operationId });
  box.append(make("summary", {}, make("span", { className: "method" }, method.toUpperCase()), make("code", {}, path), " " + (op.summary || ""),
    make("span", { className: "permission" }, op["x-kml-permission"] || "")));
  if (op.description) box.append(make("p", {}, op.description));
  if (op.parameters) {
    box.append(make("h4", {}, "Parameters"), table(op.parameters.map((p) =>
      [p.name, p.in + ", " + typeOf(p.schema), (p.required ? "" : "optional. ") + (p.description || "") + limits(p.schema)])));
  }
  box.append(...content(doc, "Body", op.requestBody));
  const refusals = [];
  for (const [status, response] of Object.entries(op.responses || {})) {
    if (status >= "400") refusals.push(status + " " + response.description);
    else box.append(make("h4", {}, status + " " + response.description), ...content(doc, "Answer", response));
  }
  if (refusals.length) box.append(make("p", {}, "Refused as application/problem+json: " + refusals.join(", ") + "."));
  return box;
}

function draw(doc) {
  document.getElementById("about").textContent = doc.info.description + " Version " + doc.info.version + ".";
  const sections = new Map();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const method of ["get", "post", "put", "patch", "delete"]) {
      const op = item[method];
      if (!op) continue;
      const tag = (op.tags && op.tags[0]) || "Other";
      if (!sections.has(tag)) sections.set(tag, make("section", { id: tag }, make("h2", {}, tag)));
      sections.get(tag).append(operation(doc, path, method, op));
    }
  }
  for (const [tag, section] of [...sections].sort()) {
    document.getElementById("contents").append(make("a", { href: "#" + encodeURIComponent(tag) }, tag));
    document.getElementById("operations").append(section);
  }
  if (location.hash) {
    const at = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (at) { at.open = true; at.scrollIntoView(); }
  }
}

document.getElementById("find").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const box of document.querySelectorAll("details")) box.hidden = !box.firstChild.textContent.toLowerCase().includes(wanted);
});

fetch("/openapi.json").then((answer) => answer.json()).then(draw).catch((err) => {
  document.getElementById("about").textContent = "The document cannot be read: " + err;
});
