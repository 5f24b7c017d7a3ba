package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// measureGeneration notes how long it takes, with warm caches, to generate the wrapper's code and that of two others
// from the same document. It works on a copy, because what is generated is committed.
func measureGeneration(t *table) error {
	here, err := moduleDir()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "composio-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	root := filepath.Join(here, "..", "..", "..")
	for _, name := range []string{"api", "gen", "wrapper"} {
		if err := os.CopyFS(filepath.Join(temp, name), os.DirFS(filepath.Join(root, name))); err != nil {
			return err
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "generate.go", "tools.go"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(temp, name), text, 0o600); err != nil {
			return err
		}
	}
	peers := filepath.Join(temp, "wrapper", "internal", "bench", "peers")
	dirs := []struct{ variant, dir string }{
		{"oapi-codegen, stock", filepath.Join(peers, "stock")}, // first: the others are compared with it
		{"wrapper", temp},
		{"ogen", filepath.Join(peers, "ogen")},
	}
	const runs = 5
	times, ratios := map[string][]float64{}, map[string][]float64{}
	for run := range 1 + runs {
		var stock float64
		for _, d := range dirs {
			start := time.Now()
			if _, err := goTool(d.dir, "generate", "./..."); err != nil {
				return err
			}
			took := time.Since(start).Seconds()
			if stock == 0 {
				stock = took
			}
			if run > 0 { // the first fills the caches
				times[d.variant] = append(times[d.variant], took)
				ratios[d.variant] = append(ratios[d.variant], took/stock)
			}
		}
	}
	for _, d := range dirs {
		t.text("go generate ./..., warm, to the stock client's", d.variant,
			fmt.Sprintf("%.2f = %.2f s", quantile(ratios[d.variant], 0.5), quantile(times[d.variant], 0.5)))
	}
	return nil
}
