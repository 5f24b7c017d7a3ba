package main

import (
	"fmt"
	"slices"
	"strings"
)

const sizeLabel = "stripped binary" // what importing a variant costs

// columns of the chart show a row of the table each.
var columns = []struct{ what, title, unit, better string }{
	{"in memory, 200: time", "A call, in memory", "time", "less is better"},
	{"in memory, 409: time", "A 409, in memory", "time", "less is better"},
	{"loopback, 64 at once: calls/s", "64 callers at once", "calls a second", "more is better"},
	{sizeLabel, "A small program", "size", "less is better"},
}

// chartHead has a background, as the page around the chart may be light where its reader's system prefers dark.
const chartHead = `<svg xmlns="http://www.w3.org/2000/svg" width="860" height="%[1]d" viewBox="0 0 860 %[1]d" role="img">
<title>What a call costs, relative to hand-written code</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.muted { font-size: 11px; fill: #59636e }
.page { fill: #fff }
.bar { fill: #8c959f }
.wrapper { fill: #0969da }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.muted { fill: #9198a1 }
.page { fill: #0d1117 }
.bar { fill: #6e7681 }
.wrapper { fill: #4493f8 }
}
</style>
<rect class="page" width="860" height="%[1]d"/>
`

// chart is an SVG with a line for each variant that is more than a pool, and a bar in each column: the median ratio to
// the hand-written code.
func (t *table) chart() string {
	clients := slices.DeleteFunc(slices.Clone(variants), func(v variant) bool { return v.pkg == "" })
	const firstColumn, columnWidth, longestBar, firstLine, lineHeight = 150, 178, 110, 58, 20
	var svg strings.Builder
	fmt.Fprintf(&svg, chartHead, firstLine+lineHeight*len(clients)+6)
	text := func(class string, x, y int, text string) {
		fmt.Fprintf(&svg, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y, text)
	}
	text("muted", 10, 38, "hand-written = 1")
	for line, v := range clients {
		text("", 10, firstLine+lineHeight*line+10, v.name)
	}
	for i, c := range columns {
		x := firstColumn + columnWidth*i
		text("title", x, 20, c.title)
		text("muted", x, 38, c.unit+", "+c.better)
		medians := make([]float64, len(clients))
		for line, v := range clients {
			medians[line] = quantile(t.row(c.what).ratios(v.name), 0.5)
		}
		for line, median := range medians {
			y, width, class := firstLine+lineHeight*line, longestBar*median/slices.Max(medians), "bar"
			if clients[line].name == "wrapper" {
				class = "wrapper"
			}
			fmt.Fprintf(&svg, `<rect class="%s" x="%d" y="%d" width="%.1f" height="13"/>`, class, x, y, width)
			text("muted", x+int(width)+5, y+10, fmt.Sprintf("%.2f", median))
		}
	}
	return svg.String() + "</svg>\n"
}
