# Sourced: starts the simulator, and makes a folder, `work`. Both are gone when the script ends. Sets SIMULATOR.
work=$(mktemp -d)
simulator_pid=
finish() {
  local ended=$?
  exec {simulator_stdin}>&- || true
  [ -z "$simulator_pid" ] || wait "$simulator_pid" || true
  rm -rf "$work"
  exit "$ended"
}
# It ends when its stdin does, so it can't outlive the script.
mkfifo "$work/stdin" "$work/stdout"
"$TARGET/debug/xiezhen-simulator" --port 0 --seed 7 --training-seconds 0.1 --generation-seconds 0.05 \
  --pictures-per-task 2 <"$work/stdin" >"$work/stdout" &
simulator_pid=$!
exec {simulator_stdin}>"$work/stdin"
trap finish EXIT
read -r SIMULATOR <"$work/stdout"
export SIMULATOR XIEZHEN_APP_CODE=simulator-app-code
