package main

import (
	"strings"

	"github.com/alecthomas/kong"
	"github.com/posener/complete"
	"github.com/willabides/kongplete"
)

// completionCmd prints what makes a shell complete command lines.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help says how to use it.
func (*completionCmd) Help() string {
	return `Put one of these into the shell's start-up file:

  bash:  source <(composio-patch completion bash)
  zsh:   source <(composio-patch completion zsh)
  fish:  composio-patch completion fish | source`
}

func (c *completionCmd) Run(std *stdio) error {
	std.outf("%s", completions[c.Shell])
	return nil
}

// completions ask the program that is on the command line what its last word may be: see complete. They add files where it
// knows nothing, and no space to a FIELD=.
var completions = map[string]string{
	"bash": `_composio_patch() {
	local IFS=$'\n'
	COMPREPLY=($(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" "$1" 2>/dev/null))
	[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _composio_patch composio-patch
`,
	"zsh": `(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_composio_patch() {
	local -a found
	found=(${(f)"$(COMP_LINE="${(j: :)words[1,CURRENT]}" "${words[1]}" 2>/dev/null)"})
	compset -P '*='
	if (( ! $#found )); then
		_files
		return
	fi
	compadd -- ${found:#*=}
	compadd -S '' -- ${(M)found:#*=}
}
compdef _composio_patch composio-patch
`,
	"fish": `function __composio_patch
	set -l before (string match -r -- '^.*=' (commandline -ct))
	set -l program (commandline -po)[1]
	set -lx COMP_LINE (commandline -cp)
	set -l found ($program 2>/dev/null)
	if set -q found[1]
		printf '%s\n' "$before"$found
	else
		printf '%s\n' "$before"(__fish_complete_path (string replace -r -- '^.*=' '' (commandline -ct)))
	end
end
complete -c composio-patch -f -a '(__composio_patch)'
`,
}

// completeLine answers a shell that asks, by the variable COMP_LINE, how a command line may go on; otherwise it does nothing.
func completeLine(app *kong.Kong) {
	var commands, fields []string
	for _, command := range app.Model.Children {
		commands = append(commands, command.Name)
	}
	for _, field := range fieldNames() {
		fields = append(fields, field+"=")
	}
	kongplete.Complete(app, kongplete.WithPredictors(map[string]complete.Predictor{
		"command": complete.PredictSet(commands...),
		"field":   complete.PredictSet(fieldNames()...),
		"value":   complete.PredictSet(fields...),
		"scheme":  complete.PredictSet(strings.Split(schemeList(), ", ")...),
	}))
}
