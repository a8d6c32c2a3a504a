/* A CUDA driver with no GPU behind it: memory is the host's, kernels do nothing, and what is asked
   of it is written down. So the libraries above it run as they are: Numba, cuda.core and ours.

   Functions that are not here do nothing and say that all went well. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL int
typedef void *Any;
typedef unsigned long long Address;

static char text[1 << 16];
static size_t end;
static int capturing;
static _Thread_local Any contexts[64];
static _Thread_local int current;
static int last;
static uintptr_t number = 0x10000;

/* For tests: what was asked since the last time, a line each; and whether streams are captured. */
const char *asked(void) {
    static char told[sizeof text];
    memcpy(told, text, end + 1);
    end = 0;
    text[0] = 0;
    return told;
}
void capture(int on) { capturing = on; }

static void note(const char *what, Any on) {
    if (end + 64 < sizeof text)
        end += sprintf(text + end, "%s %llx\n", what, (Address)(uintptr_t)on);
}
static CALL made(Any *handle) { *handle = (Any)(number += 16); return 0; }
static CALL lent(Any *memory, size_t size) {
    *memory = aligned_alloc(256, (size + 255) / 256 * 256);
    return *memory ? 0 : 2;
}
static int device(void) {
    return current ? (int)((uintptr_t)contexts[current - 1] - 0x1000) : 0;
}

CALL cuInit(unsigned flags) { return 0; }
CALL cuDriverGetVersion(int *version) { *version = 13000; return 0; }
CALL cuDeviceGetCount(int *count) { *count = 2; return 0; }
CALL cuDeviceGet(int *found, int ordinal) { *found = ordinal; return 0; }
CALL cuDeviceGetName(char *name, int size, int of) { strncpy(name, "none", size); return 0; }
CALL cuDeviceGetUuid(char *id, int of) { memset(id, of, 16); return 0; }
CALL cuDeviceGetAttribute(int *value, int which, int of) {
    *value = which == 75 ? 9 : which == 76 ? 0 : which == 10 ? 32 : 1024; /* 9.0, warps of 32 */
    return 0;
}
CALL cuMemGetInfo(size_t *unused, size_t *all) { *unused = *all = (size_t)1 << 34; return 0; }

CALL cuDevicePrimaryCtxRetain(Any *context, int of) {
    *context = (Any)(uintptr_t)(0x1000 + of);
    return 0;
}
CALL cuCtxPushCurrent(Any context) { contexts[current++] = context; return 0; }
CALL cuCtxPopCurrent(Any *context) { *context = current ? contexts[--current] : 0; return 0; }
CALL cuCtxSetCurrent(Any context) {
    contexts[current ? current - 1 : current++] = context;
    return 0;
}
CALL cuCtxGetCurrent(Any *context) { *context = current ? contexts[current - 1] : 0; return 0; }
CALL cuCtxGetDevice(int *found) { *found = device(); return 0; }
CALL cuStreamGetCtx(Any stream, Any *context) { return cuCtxGetCurrent(context); }

static void attribute(int which, Any value, Address of) {
    if (which == 2) *(unsigned *)value = 2; /* memory of a device */
    if (which == 3) *(Address *)value = of;
    if (which == 9) *(int *)value = device();
}
CALL cuPointerGetAttributes(unsigned count, int *which, Any *values, Address of) {
    for (unsigned n = 0; n < count; n++) attribute(which[n], values[n], of);
    return 0;
}
CALL cuPointerGetAttribute(Any value, int which, Address of) {
    attribute(which, value, of);
    return 0;
}

CALL cuMemAlloc(Any *memory, size_t size) { note("allocate", 0); return lent(memory, size); }
CALL cuMemFree(Any memory) { note("free", 0); free(memory); return 0; }
static CALL copied(const char *what, Any to, const Any from, size_t size, Any stream) {
    note(what, stream);
    memcpy(to, from, size);
    return 0;
}
CALL cuMemcpyHtoD(Any to, const Any from, size_t size) { return copied("send", to, from, size, 0); }
CALL cuMemcpyHtoDAsync(Any to, const Any from, size_t size, Any stream) {
    return copied("send", to, from, size, stream);
}
CALL cuMemcpyDtoH(Any to, const Any from, size_t size) { return copied("fetch", to, from, size, 0); }
CALL cuMemcpyDtoHAsync(Any to, const Any from, size_t size, Any stream) {
    return copied("fetch", to, from, size, stream);
}

CALL cuEventCreate(Any *event, unsigned flags) { return made(event); }
CALL cuEventRecord(Any event, Any stream) { note("record", stream); return 0; }
CALL cuStreamWaitEvent(Any stream, Any event, unsigned flags) { note("wait", stream); return 0; }
CALL cuStreamCreate(Any *stream, unsigned flags) { return made(stream); }
CALL cuStreamSynchronize(Any stream) { note("synchronize", stream); return 0; }
CALL cuCtxSynchronize(void) { note("synchronize", 0); return 0; }
CALL cuEventSynchronize(Any event) { note("synchronize", 0); return 0; }
CALL cuStreamIsCapturing(Any stream, int *status) { *status = capturing; return 0; }

CALL cuLibraryLoadData(Any *library, const Any code) { note("load", 0); return made(library); }
CALL cuLibraryGetKernel(Any *kernel, Any library, const char *name) { return made(kernel); }
CALL cuLibraryGetModule(Any *module, Any library) { return made(module); }
CALL cuKernelGetFunction(Any *function, Any kernel) { *function = kernel; return 0; }
CALL cuFuncGetAttribute(int *value, int which, Any function) { *value = 32; return 0; }
/* For tests: what launches were told since the last time, but for where their arrays lie: a grid, a
   block, and the words of the first two arguments, which are arrays of one axis; and the device. */
static char words[1 << 16];
static size_t words_end;
const char *arguments(void) {
    static char told[sizeof words];
    memcpy(told, words, words_end + 1);
    words_end = 0;
    words[0] = 0;
    return told;
}
int launched_in(void) { return last; }

CALL cuLaunchKernel(Any function, unsigned x, unsigned y, unsigned z, unsigned i, unsigned j,
                    unsigned k, unsigned shared, Any stream, Any *arguments, Any *more) {
    note("launch", stream);
    last = device();
    if (words_end + 512 < sizeof words) {
        words_end += sprintf(words + words_end, "%p %u %u %u %u", function, x, y, z, i);
        for (int word = 0; word < 14; word++)
            if (word % 7 != 4)
                words_end += sprintf(words + words_end, " %llx", *(Address *)arguments[word]);
        words_end += sprintf(words + words_end, "\n");
    }
    return 0;
}

static CALL nothing(void) { return 0; }
#define NAMED(call) {#call, (Any)call}
static const struct { const char *name; Any call; } KNOWN[] = {
    NAMED(cuInit), NAMED(cuDriverGetVersion), NAMED(cuDeviceGetCount), NAMED(cuDeviceGet),
    NAMED(cuDeviceGetName), NAMED(cuDeviceGetUuid), NAMED(cuDeviceGetAttribute),
    NAMED(cuMemGetInfo), NAMED(cuDevicePrimaryCtxRetain), NAMED(cuCtxPushCurrent),
    NAMED(cuCtxPopCurrent), NAMED(cuCtxSetCurrent), NAMED(cuCtxGetCurrent), NAMED(cuCtxGetDevice),
    NAMED(cuStreamGetCtx), NAMED(cuPointerGetAttributes), NAMED(cuPointerGetAttribute),
    NAMED(cuMemAlloc), NAMED(cuMemFree), NAMED(cuMemcpyHtoD), NAMED(cuMemcpyHtoDAsync),
    NAMED(cuMemcpyDtoH), NAMED(cuMemcpyDtoHAsync), NAMED(cuEventCreate), NAMED(cuEventRecord),
    NAMED(cuStreamWaitEvent), NAMED(cuStreamCreate), NAMED(cuStreamSynchronize),
    NAMED(cuCtxSynchronize), NAMED(cuEventSynchronize), NAMED(cuStreamIsCapturing),
    NAMED(cuLibraryLoadData), NAMED(cuLibraryGetKernel), NAMED(cuLibraryGetModule),
    NAMED(cuKernelGetFunction), NAMED(cuFuncGetAttribute), NAMED(cuLaunchKernel),
};
CALL cuGetProcAddress_v2(const char *name, Any *call, int version, Address flags, int *status) {
    *call = (Any)nothing;
    for (size_t n = 0; n < sizeof KNOWN / sizeof *KNOWN; n++)
        if (!strcmp(KNOWN[n].name, name)) *call = KNOWN[n].call;
    if (status) *status = 0;
    return 0;
}
