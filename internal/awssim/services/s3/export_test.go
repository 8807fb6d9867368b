package s3

// SetAccountBlock switches all four settings of an account's block on. Lock held.
func (s *Service) SetAccountBlock(account string) {
	s.blocks[account] = &publicAccessBlock{true, true, true, true}
}
