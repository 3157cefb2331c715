package wire
func victim(dir string) {}
