#!/usr/bin/env bash
# All GPU tests and measurements in one run of limited time:
#
#     bash benchmarks/gpu_run.sh 400           # seconds for all steps
#
# The steps: information about the machine; the GPU tests, in many processes at a time; then, one
# after the other, figures (gpu.py), profiles, compute-sanitizer, achieved rates. Each step has a
# time limit, shortened to the time left; a step that crashes or hangs does not affect the others.
# After every step $OUT has the results so far: summary.txt, logs.tar.gz, the tables and the
# pictures, at most eight files.
#
#     ONLY="tests figures"     run only these steps
#     PARTS="gradients loops"  run only these parts of gpu.py
#     FILES="tests/nst"        run only these tests
#     WEIGHTS=vgg19.h5         any VGG19; by default the first .gpu/*.h5, or random features
#     PLAY=1                   rehearse on a machine without a GPU
#
# .gpu/kernels.tar.gz, if it exists, contains kernels that CuPy compiled earlier;
# $OUT/kernels.tar.gz contains those at the end of the run.
set -u
shopt -s nullglob
cd "$(dirname "$0")/.." || exit 1
BEGIN=$SECONDS
TOTAL=${1:-400}
PY=${PY:-python3}
PLAY=${PLAY:+--play}
WORK=$(mktemp -d)
OUT=${OUT:-$WORK/out}
LOGS=$WORK/logs
mkdir -p "$OUT" "$LOGS"
STATUS=0
CACHE=${CUPY_CACHE_DIR:-$WORK/kernels}
export CUPY_CACHE_DIR=$CACHE PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1
mkdir -p "$CACHE"
: >"$OUT/summary.txt"

say() { echo "$*" | tee -a "$OUT/summary.txt"; }
left() { echo $((TOTAL - SECONDS + BEGIN)); }

keep() {        # saves the results so far
    tar -C "$WORK" -czf "$WORK/new.tgz" logs && mv -f "$WORK/new.tgz" "$OUT/logs.tar.gz"
    cp -f "$LOGS"/gpu.json "$LOGS"/gpu.md "$LOGS"/*.png "$OUT"/ 2>/dev/null
    return 0
}

step() {        # step NAME MAX_SECONDS COMMAND...
    local name=$1 max=$2 start=$SECONDS status
    shift 2
    case " ${ONLY:-$name} " in *" $name "*) ;; *) return ;; esac
    [ "$max" -gt $(($(left) - 5)) ] && max=$(($(left) - 5))
    if [ "$max" -lt 8 ]; then
        say "-- $name: no time left"
        STATUS=1
        return
    fi
    timeout -k 5 "$max" "$@" >"$LOGS/$name.txt" 2>&1
    status=$?
    say "-- $name: status $status, $((SECONDS - start)) s of $max, at $((SECONDS - BEGIN)) s"
    if [ $status -ne 0 ]; then
        STATUS=1
        tail -n 40 "$LOGS/$name.txt" | cut -c1-200 | sed 's/^/     | /' | tee -a "$OUT/summary.txt"
    fi
    keep
}

room() {        # room MAX: prints the seconds that a program may use, at most MAX
    local seconds=$(($(left) - 10))
    [ "$seconds" -gt "$1" ] && seconds=$1
    [ "$seconds" -lt 1 ] && seconds=1
    echo "$seconds"
}

info() {
    nvidia-smi
    nproc
    free -g | head -n 2
    "$PY" --version
    which g++ nvcc ncu compute-sanitizer
    "$PY" -m pip list 2>/dev/null | grep -i 'cupy\|^torch \|numpy\|nvidia\|pytest\|h5py\|triton'
    "$PY" -c '
import time; start = time.perf_counter()
import minigrad as mg
print("missing:", mg.cuda.missing() or "nothing", f"{time.perf_counter() - start:.1f} s")
x = mg.randn(40, 50, device="cuda")
print((x @ x.T).sum().item(), mg.cuda.device_name(), f"{time.perf_counter() - start:.1f} s")
mg.backend.cuda_library().show_config()'
}

# ------------------------------------------------------------- existing kernels and weights
if [ -f .gpu/kernels.tar.gz ]; then
    tar -C "$CACHE" -xzf .gpu/kernels.tar.gz && say "kernels: $(find "$CACHE" -type f | wc -l) known"
fi
FOUND=(.gpu/*.h5)
SOURCE=${WEIGHTS:-${FOUND[0]:-random:0}}
USED=$SOURCE
if [ -f "$SOURCE" ] && ! "$PY" -m weights_converter verify "$SOURCE" >/dev/null 2>&1; then
    USED=$WORK/vgg19.h5
    if ! "$PY" -m weights_converter "$SOURCE" "$USED" >"$LOGS/weights.txt" 2>&1; then
        say "weights: $(tail -n 1 "$LOGS/weights.txt"); so random:0"
        USED=random:0
        STATUS=1
    fi
fi
say "weights: $(basename "$SOURCE")"

# -------------------------------------------------------------------------------------- the steps
SMALL=()
if [ -n "$PLAY" ]; then
    SMALL=(--sizes 16 --layer-size 16 --check-size 16 --run-size 16 --iterations 4
           --picture-iterations 2)
else
    export -f info
    export PY
    step info 45 bash -c info
fi
# Without CUB, whose kernels take seconds each to compile; the figures use it.
step tests "${TEST_SECONDS:-120}" env CUPY_ACCELERATORS= \
    "$PY" benchmarks/gpu_tests.py ${FILES:-} --logs "$LOGS/tests" \
    --limit "$(room $((${TEST_SECONDS:-120} - 6)))" $PLAY
grep -h '^   \|^failed\|^FAILED\|^ERROR' "$LOGS/tests.txt" 2>/dev/null | cut -c1-200 \
    | tee -a "$OUT/summary.txt"

step figures 250 "$PY" benchmarks/gpu.py --weights "$USED" --limit "$(room 240)" \
    --output "$LOGS/gpu.json" ${PARTS:+--parts $PARTS} "${SMALL[@]}" $PLAY
step profile 70 "$PY" benchmarks/gpu_profile.py --weights "$USED" $PLAY
if [ -z "$PLAY" ] && command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck initcheck; do
        step $tool 45 compute-sanitizer --tool $tool --error-exitcode 9 \
            "$PY" benchmarks/gpu_every_kernel.py
    done
else
    step every-kernel 60 "$PY" benchmarks/gpu_every_kernel.py $PLAY
fi
if [ -z "$PLAY" ] && command -v ncu >/dev/null; then
    step rates 40 ncu --clock-control none --launch-skip 40 --launch-count 14 \
        --kernel-name 'regex:image_transform|result_transform|max_|squared|inner|gate' \
        --section SpeedOfLight --section Occupancy \
        "$PY" benchmarks/gpu_profile.py --sections recordings --sizes 512 --weights "$USED"
fi

# ---------------------------------------------------------------------------------------- the end
tar -C "$CACHE" -czf "$WORK/kernels.tar.gz" . 2>/dev/null
SIZE=$(stat -c %s "$WORK/kernels.tar.gz" 2>/dev/null || echo 0)
if [ "$SIZE" -gt 0 ] && [ "$SIZE" -lt 15000000 ]; then
    cp "$WORK/kernels.tar.gz" "$OUT/"
else
    say "kernels: $SIZE bytes are not kept"
fi
keep
say "== $((SECONDS - BEGIN)) s in all, status $STATUS"
grep -h '^==\|^--\|^   ' "$LOGS/profile.txt" 2>/dev/null | cut -c1-150 | head -n 90
grep -h '^|' "$OUT"/gpu.md 2>/dev/null | cut -c1-230
echo
cat "$OUT/summary.txt"
exit $STATUS
