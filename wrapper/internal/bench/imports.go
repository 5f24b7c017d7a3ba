package main

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// program is the least that a service does with a variant.
const program = `package main

import (
	"context"
	"fmt"
	"net/http"

	"example.com/composio/wrapper/internal/bench/call"
	peer "example.com/composio/wrapper/internal/bench/peers/%s"
)

func main() {
	update, err := peer.New(call.Config{BaseURL: "http://127.0.0.1", Client: &http.Client{}})
	if err != nil {
		panic(err)
	}
	fmt.Println(update(context.Background()))
}
`

// measureImports builds that program with each variant, stripped, and notes its size and how many modules it links.
func (t *table) measureImports() error {
	dir := filepath.Join("generated", "program")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "program")
	for _, v := range variants {
		if v.pkg == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "main.go"), fmt.Appendf(nil, program, v.pkg), 0o600); err != nil {
			return err
		}
		if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./"+dir).CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w: %s", err, out)
		}
		file, err := os.Stat(binary)
		if err != nil {
			return err
		}
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			return err
		}
		t.add(measure{what: sizeLabel, ratio: true, format: megabytes}, v.name, float64(file.Size()))
		t.add(measure{what: "modules linked", format: decimals(0)}, v.name, float64(len(info.Deps)))
	}
	return nil
}
