// CUDA's words for a C++ compiler of the host, so that the very text of the kernels runs there,
// one thread after the other. Threads that wait for each other (__syncthreads, __ballot_sync)
// are fibres with stacks of their own: each runs until it waits, then the next one has its turn.
// A thread that is gone where others wait for it is a mistake on a GPU, too, and is reported.
// Tensor cores are played as badly as they may be: they cut operands and sums, never round them.

// C's headers only: those of C++ would take most of a compilation, and there are dozens.

#include <setjmp.h>
#include <string.h>
#include <ucontext.h>

extern "C" void* malloc(size_t size);

#define __global__
#define __device__
#define __shared__ static

inline float sqrt(float x) { return __builtin_sqrtf(x); }
inline double sqrt(double x) { return __builtin_sqrt(x); }
inline int atomicAdd(int* address, int value) { int old = *address; *address += value; return old; }
inline double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }

struct Place { unsigned x, y, z; };
static Place threadIdx, blockIdx, blockDim, gridDim;

struct alignas(16) float4 { float x, y, z, w; };
struct alignas(4) uchar4 { unsigned char x, y, z, w; };
static float4 shared_memory[(228 << 10) / 16];      // what a launch asks for, and guards behind it

namespace host {

const int MOST = 1024, STACK = 1 << 16, COPIES = 64;
static jmp_buf scheduler, fibres[MOST];
static ucontext_t starts[MOST], home;
static bool begun[MOST], gone[MOST], votes[MOST];
static char* stacks = 0;
static int waits[MOST];                             // how often each thread of the block has waited
static int current, mistakes;
static unsigned words[MOST];                        // for exchanges within a warp
static float operands[2][MOST][6];                  // of this mma, and of the one before

struct Copy { void* to; const void* from; int bytes, group; };
static Copy copies[MOST][COPIES];                   // that a thread has begun
static int begun_copies[MOST];                      // how many of them
static int groups[MOST];                            // how many of them it has closed
static void (*body)(void*);
static void* body_data;

inline void wait() {
    waits[current]++;
    if (!_setjmp(fibres[current])) _longjmp(scheduler, 1);
}

inline bool missing(unsigned thread) {              // has it ended without waiting as often as we?
    return thread >= blockDim.x || (gone[thread] && waits[thread] < waits[current]);
}

static void start() {
    body(body_data);
    gone[current] = true;
    _longjmp(scheduler, 1);
}

inline void turn(int thread) {                      // run one thread until it waits or ends
    current = thread;
    threadIdx.x = thread;
    if (_setjmp(scheduler)) return;
    if (begun[thread]) _longjmp(fibres[thread], 1);
    begun[thread] = true;
    getcontext(&starts[thread]);
    starts[thread].uc_stack.ss_sp = stacks + (size_t)thread * STACK;
    starts[thread].uc_stack.ss_size = STACK;
    starts[thread].uc_link = &home;
    makecontext(&starts[thread], start, 0);
    setcontext(&starts[thread]);
}

inline void block_of_fibres() {
    if (!stacks) stacks = (char*)malloc((size_t)MOST * STACK);
    int threads = blockDim.x;
    memset(begun, 0, sizeof begun);
    memset(gone, 0, sizeof gone);
    memset(waits, 0, sizeof waits);
    memset(groups, 0, sizeof groups);
    memset(begun_copies, 0, sizeof begun_copies);
    for (bool left = true; left;) {
        left = false;
        for (int i = 0; i < threads; i++) {
            int t = blockIdx.x % 2 ? threads - 1 - i : i;   // no order may be relied upon
            if (gone[t]) continue;
            turn(t);
            left = left || !gone[t];
        }
    }
}

template <class Function> void call(void* function) { (*(Function*)function)(); }

template <class Function> int launch(unsigned grid, unsigned block, unsigned shared, bool waiting,
                                     Function thread) {
    const unsigned guard = shared ? 1 << 10 : 0;
    const unsigned char* end = (unsigned char*)shared_memory + shared;
    mistakes = 0;
    gridDim = {grid, 1, 1};
    blockDim = {block, 1, 1};
    blockIdx = threadIdx = {0, 0, 0};
    body = call<Function>;
    body_data = &thread;
    for (unsigned b = 0; b < grid; b++) {
        blockIdx.x = b;
        memset(shared_memory, 0xff, shared + guard);        // what nobody writes is NaN
        if (waiting) block_of_fibres();
        else for (threadIdx.x = 0; threadIdx.x < block; threadIdx.x++) thread();
        for (unsigned i = 0; i < guard; i++) mistakes += end[i] != 0xff;
    }
    return mistakes;
}

}  // namespace host

inline void __syncthreads() {
    host::wait();
    // Where one is missing, somebody's next neighbour is, or all are.
    host::mistakes += host::missing((threadIdx.x + 1) % blockDim.x);
}

inline unsigned __ballot_sync(unsigned mask, bool vote) {
    unsigned word = 0, first = threadIdx.x & ~31u;
    host::votes[threadIdx.x] = vote;
    host::wait();
    for (unsigned lane = 0; lane < 32; lane++) {
        unsigned t = first + lane;
        if (!(mask >> lane & 1)) continue;
        if (host::missing(t)) host::mistakes++;
        else word |= (unsigned)host::votes[t] << lane;
    }
    host::wait();                                   // nobody votes again before all have counted
    return word;
}

template <class Word> inline Word __shfl_xor_sync(unsigned mask, Word value, int distance) {
    static_assert(sizeof(Word) == sizeof(unsigned), "a register has 32 bits");
    unsigned other = threadIdx.x ^ distance;
    memcpy(&host::words[threadIdx.x], &value, sizeof value);
    host::wait();
    host::mistakes += mask != 0xffffffffu || host::missing(other);
    memcpy(&value, &host::words[other], sizeof value);
    host::wait();                                   // nobody offers again before all have taken
    return value;
}

inline unsigned __brev(unsigned word) {
    unsigned turned = 0;
    for (int bit = 0; bit < 32; bit++) turned |= (word >> bit & 1) << (31 - bit);
    return turned;
}

inline double __longlong_as_double(long long bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

inline unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Twins of what implicit.cu says in PTX; it says what they do.

inline void mma(float (&sums)[4], float4 a, float b0, float b1) {
    const float mine[6] = {a.x, a.y, a.z, a.w, b0, b1};
    unsigned first = threadIdx.x & ~31u, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    // Two sets take turns: a thread that is one mma ahead leaves what others still read.
    float (*operands)[6] = host::operands[host::waits[host::current] % 2];
    for (int i = 0; i < 6; i++)
        operands[threadIdx.x][i] = __uint_as_float(__float_as_uint(mine[i]) & 0xffffe000u);
    host::wait();
    for (unsigned lane = 0; lane < 32; lane++) host::mistakes += host::missing(first + lane);
    for (int i = 0; i < 4; i++) {
        unsigned column = 2 * t + i % 2;
        double sum = sums[i];
        for (int k = 0; k < 8; k++)
            sum += (double)operands[first + 4 * g + k % 4][i / 2 + k / 4 * 2]
                 * operands[first + 4 * column + k % 4][4 + k / 4];
        float cut = (float)sum;
        bool above = __builtin_fabsf(cut) > __builtin_fabs(sum);
        sums[i] = above ? __builtin_nextafterf(cut, 0.0f) : cut;
    }
}

// A GPU may copy at once, or only when it is waited for: here every other thread does the one.
inline void begin_copy(void* to, const void* from, int bytes, bool real_ones) {
    static const char zeros[16] = {};
    int thread = host::current;
    host::mistakes += ((size_t)to | (size_t)from) % bytes != 0;
    host::Copy copy = {to, real_ones ? from : zeros, bytes, host::groups[thread]};
    if ((thread ^ thread >> 3) & 1) memcpy(copy.to, copy.from, bytes);
    else if (host::begun_copies[thread] == host::COPIES) host::mistakes++;
    else host::copies[thread][host::begun_copies[thread]++] = copy;
}

inline void copy_16(void* to, const void* from, bool real_ones) {
    begin_copy(to, from, 16, real_ones);
}

inline void copy_4(void* to, const void* from, bool real_ones) {
    begin_copy(to, from, 4, real_ones);
}

inline void close_copies() { host::groups[host::current]++; }

template <int n> inline void copies_arrived() {
    host::Copy* mine = host::copies[host::current];
    int& count = host::begun_copies[host::current];
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (mine[i].group < host::groups[host::current] - n)
            memcpy(mine[i].to, mine[i].from, mine[i].bytes);
        else mine[kept++] = mine[i];
    }
    count = kept;
}
