# /bin/sh begin_in_base.sh FOLDER: the container in the user's base image, where a conda file may
# bring the Python. Where the base image has a python3, that one goes on with install_in_base.py;
# else it is told that there is none, and the interpreter that is handed over goes on.
#
# It runs on the base image's own shell, whichever that is. What is said goes into the named pipe:
# that is opened for writing only, so that a write tells when nobody reads it any more.
folder=$1
trap 'exit 0' TERM PIPE

ended() {
    printf '\n::fairlead:: {"ended": %s}\n' "$1" >&3
    exit 0
}

if command -v python3 >/dev/null 2>&1; then
    exec python3 "$folder/install_in_base.py" "$folder"
fi

seconds=0
until [ -e "$folder/reading" ]; do
    [ ! -e "$folder/ended" ] && [ "$seconds" -lt 600 ] || exit 0
    seconds=$((seconds + 1))
    sleep 1 || exit 0
done
# Opened for both at first: that waits for nobody, should the reader have ended meanwhile.
exec 4<>"$folder/log"
exec 3>"$folder/log"
exec 4>&-

alpine=false
[ ! -e /etc/alpine-release ] || alpine=true
printf '\n::fairlead:: {"python": null, "alpine": %s}\n' "$alpine" >&3 || exit 0
until [ -e "$folder/orders.json" ]; do
    [ ! -e "$folder/ended" ] || exit 0
    sleep 1 2>&3 || ended 127
    printf '::fairlead:: {}\n' >&3 || exit 0
done

python=$folder/interpreter/bin/python
"$python" -I -c '' >&3 2>&1
code=$?
[ "$code" -eq 0 ] || ended "$code"
exec "$python" -I "$folder/install_in_base.py" "$folder" 3
