// A class of three, asked for by a backend in TypeScript. The types in kml.d.ts
// are made from the server's own OpenAPI document (npm run generate).
//
//   KML_SERVER=http://127.0.0.1:8080 KML_API_KEY=kml_... npm run generate && npm run build && npm start

import createClient from "openapi-fetch";
import type { paths } from "./kml.js";

const { KML_SERVER: baseUrl, KML_API_KEY: key, LAB_TYPE: lab_type = "s3-website" } = process.env;
if (!baseUrl || !key) throw new Error("set KML_SERVER and KML_API_KEY");

const kml = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

const students = ["ada", "grace", "edsger"];
const labs = await Promise.all(
  students.map(async (student) => {
    const { data, error } = await kml.POST("/v1/labs", {
      params: { query: { wait: "30s" }, header: { "Idempotency-Key": `lesson-1-${student}` } },
      body: { lab_type, student, duration: "30m" },
    });
    if (error) throw new Error(`${student}: ${error.detail} (${error.remedy ?? error.code})`);
    return data;
  }),
);
for (const lab of labs) console.log(`${lab.student}: ${lab.state} ${lab.account ?? ""}`);

const first = labs[0];
if (first?.state === "active") {
  const { data, error } = await kml.POST("/v1/labs/{id}/credentials", { params: { path: { id: first.id } } });
  if (error) throw new Error(error.detail);
  console.log(`${first.student} has credentials for account ${data.account}, good until ${data.ends_at}`);
}

// A problem is typed too: a lab type that does not exist names the field.
const { error: refused } = await kml.POST("/v1/labs", { body: { lab_type: "no-such-type", student: "ada", duration: "30m" } });
console.log(`refused: ${refused?.code} ${refused?.errors?.[0]?.field}`);
