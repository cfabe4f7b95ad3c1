# shellcheck shell=bash
# bash completion for natbox(8). Its options are those that it shows itself; make install puts the
# keys of natbox.ini in.
_natbox()
{
	local word=$2 words
	COMPREPLY=()
	case $3 in
	-c | --config | -l | --log | -r | --replay | -w | --write)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return ;;
	-i | --interface)
		words="any $(cd /sys/class/net && echo *)" ;;
	-o | --option)
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -S = -W "@KEYS@" -- "$word")
		return ;;
	--run-on)
		return ;;
	*)
		words=$("$1" -h 2>/dev/null | grep -E '^  (-.,|    --)' | cut -c 1-28 |
			grep -oE -- '--?[[:alpha:]-]+') ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _natbox natbox
