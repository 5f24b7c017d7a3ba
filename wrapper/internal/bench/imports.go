package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// program is the least that a service does with a variant. It is never on disk as a package: the go command finds it
// there through an overlay, so that one text serves all variants.
const program = `package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"example.com/composio/wrapper/internal/bench/call"
	peer "example.com/composio/wrapper/internal/bench/peers/%s"
)

func main() {
	update, err := peer.New(call.Config{BaseURL: os.Args[1], Client: &http.Client{}})
	if err != nil {
		panic(err)
	}
	fmt.Println(update(context.Background()))
}
`

// measureImports builds that program with each variant, stripped, and notes its size and how many modules it links.
func measureImports(t *table) error {
	here, err := moduleDir()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "composio-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	var base int64 // the hand-written one's size
	for _, v := range variants {
		if v.pkg == "" {
			continue
		}
		source, overlay, binary := filepath.Join(temp, v.pkg+".go"), filepath.Join(temp, v.pkg+".json"), filepath.Join(temp, v.pkg)
		replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "program", "main.go"): source}})
		if err != nil {
			return err
		}
		if err := os.WriteFile(source, fmt.Appendf(nil, program, v.pkg), 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(overlay, replace, 0o600); err != nil {
			return err
		}
		if _, err := goTool(here, "build", "-overlay", overlay, "-trimpath", "-ldflags=-s -w", "-o", binary, "./program"); err != nil {
			return err
		}
		file, err := os.Stat(binary)
		if err != nil {
			return err
		}
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			return err
		}
		size := fmt.Sprintf("%.2f MB", float64(file.Size())/1e6)
		if base == 0 {
			base = file.Size()
		} else {
			size = fmt.Sprintf("%+.1f %%", 100*float64(file.Size()-base)/float64(base))
		}
		t.text("stripped binary", v.name, size)
		t.text("modules linked", v.name, fmt.Sprint(len(info.Deps)))
	}
	return nil
}

// moduleDir is where this program's source is.
func moduleDir() (string, error) {
	dir, err := goTool("", "list", "-m", "-f", "{{.Dir}}", "example.com/composio/wrapper/internal/bench")
	return strings.TrimSpace(dir), err
}
