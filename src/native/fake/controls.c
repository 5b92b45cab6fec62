/* fake.node: what tests do to the fake Xen. fake-xen.ts declares and documents what it exports. See fake_xen.h. */
#include "fake_xen.h"

#include <errno.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <uv.h>

#define MAX_ARGUMENTS 4

struct arguments {
    uint32_t number[MAX_ARGUMENTS];
    char text[64];
    struct ioreq request;
};

/* Reads what a call was given, each by its kind: numbers, a text, 32 bytes. Tests pass what fake-xen.ts says. */
static struct arguments arguments_of(napi_env env, napi_callback_info info)
{
    struct arguments result = { 0 };
    napi_value values[MAX_ARGUMENTS];
    size_t count = MAX_ARGUMENTS, length;
    void *bytes;

    napi_get_cb_info(env, info, &count, values, NULL, NULL);
    for ( size_t i = 0; i < count && i < MAX_ARGUMENTS; i++ )
    {
        napi_get_value_uint32(env, values[i], &result.number[i]);
        napi_get_value_string_utf8(env, values[i], result.text, sizeof result.text, NULL);
        if ( napi_get_typedarray_info(env, values[i], NULL, &length, &bytes, NULL, NULL) == napi_ok &&
             length == sizeof result.request )
            memcpy(&result.request, bytes, sizeof result.request);
    }
    return result;
}

static napi_value fail_with(napi_env env, int error)
{
    napi_throw_error(env, uv_err_name(-error), uv_strerror(-error));
    return NULL;
}

static napi_value bytes_of(napi_env env, const void *from, size_t length)
{
    napi_value buffer;
    void *bytes;

    napi_create_arraybuffer(env, length, &bytes, &buffer);
    memcpy(bytes, from, length);
    return buffer;
}

static napi_value number_of(napi_env env, double number)
{
    napi_value value;

    napi_create_double(env, number, &value);
    return value;
}

static napi_value fail_next(napi_env env, napi_callback_info info)
{
    struct arguments given = arguments_of(env, info);

    fake_fail(given.text, given.number[1], given.number[2]);
    return NULL;
}

static napi_value calls(napi_env env, napi_callback_info info)
{
    return number_of(env, fake_calls(arguments_of(env, info).text));
}

static napi_value waiting(napi_env env, napi_callback_info info)
{
    (void)info;
    return number_of(env, fake_waiting());
}

static napi_value held(napi_env env, napi_callback_info info)
{
    (void)info;
    return bytes_of(env, &fake_held, sizeof fake_held);
}

static napi_value clear_up(napi_env env, napi_callback_info info)
{
    (void)env, (void)info;
    fake_clear_up();
    return NULL;
}

static napi_value unbind_all(napi_env env, napi_callback_info info)
{
    (void)env, (void)info;
    fake_unbind_all();
    return NULL;
}

static napi_value dawdle(napi_env env, napi_callback_info info)
{
    fake_dawdle(arguments_of(env, info).number[0]);
    return NULL;
}

static napi_value set_state(napi_env env, napi_callback_info info)
{
    struct arguments given = arguments_of(env, info);

    return fake_set_state(given.number[0], given.number[1], given.number[2]) ? fail_with(env, errno) : NULL;
}

static napi_value post(napi_env env, napi_callback_info info)
{
    struct arguments given = arguments_of(env, info);

    return fake_post(given.number[0], given.number[1], &given.request) ? fail_with(env, errno) : NULL;
}

static napi_value send_event(napi_env env, napi_callback_info info)
{
    struct arguments given = arguments_of(env, info);

    return fake_send_event(given.number[0], given.number[1]) ? fail_with(env, errno) : NULL;
}

static napi_value take(napi_env env, napi_callback_info info)
{
    struct arguments given = arguments_of(env, info);
    struct ioreq answer;

    if ( !fake_take(given.number[0], given.number[1], &answer) )
        return bytes_of(env, &answer, sizeof answer);
    return errno == EAGAIN ? NULL : fail_with(env, errno);
}

static napi_value slot(napi_env env, napi_callback_info info)
{
    struct arguments given = arguments_of(env, info);
    struct ioreq now;

    return fake_slot(given.number[0], given.number[1], &now) ? fail_with(env, errno)
                                                             : bytes_of(env, &now, sizeof now);
}

static napi_value buffer(napi_env env, napi_callback_info info)
{
    struct arguments given = arguments_of(env, info);

    return fake_buffer(given.number[0], &given.request) ? fail_with(env, errno) : NULL;
}

static napi_value ring_pointers(napi_env env, napi_callback_info info)
{
    uint32_t pointers[2];

    return fake_ring_pointers(arguments_of(env, info).number[0], pointers) ? fail_with(env, errno)
                                                                           : bytes_of(env, pointers, sizeof pointers);
}

static napi_value set_ring_pointers(napi_env env, napi_callback_info info)
{
    struct arguments given = arguments_of(env, info);

    return fake_set_ring_pointers(given.number[0], &given.number[1]) ? fail_with(env, errno) : NULL;
}

static napi_value ranges(napi_env env, napi_callback_info info)
{
    static struct fake_range found[FAKE_RANGES];
    int count = fake_ranges(arguments_of(env, info).number[0], found);
    napi_value list, range;

    if ( count < 0 )
        return fail_with(env, errno);
    napi_create_array(env, &list);
    for ( int i = 0; i < count; i++ )
    {
        napi_create_array(env, &range);
        napi_set_element(env, range, 0, number_of(env, found[i].kind));
        napi_set_element(env, range, 1, number_of(env, found[i].start));
        napi_set_element(env, range, 2, number_of(env, found[i].end));
        napi_set_element(env, list, i, range);
    }
    return list;
}

static napi_value told(napi_env env, napi_callback_info info)
{
    static struct fake_told copy[FAKE_TOLD];

    (void)info;
    return bytes_of(env, copy, fake_told(copy) * sizeof *copy);
}

static napi_value memory(napi_env env, napi_callback_info info)
{
    void *start = mmap(NULL, FAKE_FRAMES * FAKE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fake_memory(), 0);
    napi_value buffer;

    (void)info;
    if ( start == MAP_FAILED )
        return fail_with(env, errno);
    napi_create_external_arraybuffer(env, start, FAKE_FRAMES * FAKE_PAGE, NULL, NULL, &buffer);
    return buffer;
}

/* An access on its way: a thread of libuv's pool is the vCPU. */
struct access {
    struct arguments given;
    struct ioreq answer;
    int error;
    napi_deferred deferred;
    napi_async_work work;
};

static void execute_access(napi_env env, void *data)
{
    struct access *access = data;

    const struct arguments *given = &access->given;

    (void)env;
    if ( given->number[3] ? fake_access_often(given->number[0], given->number[1], &given->request, given->number[3])
                          : fake_access(given->number[0], given->number[1], &given->request, &access->answer) )
        access->error = errno;
}

static void finish_access(napi_env env, napi_status status, void *data)
{
    struct access *access = data;
    napi_value error;

    (void)status;
    if ( access->error )
    {
        fail_with(env, access->error);
        napi_get_and_clear_last_exception(env, &error);
        napi_reject_deferred(env, access->deferred, error);
    }
    else
        napi_resolve_deferred(env, access->deferred, bytes_of(env, &access->answer, sizeof access->answer));
    napi_delete_async_work(env, access->work);
    free(access);
}

static napi_value start_access(napi_env env, napi_callback_info info)
{
    struct access *access = calloc(1, sizeof *access);
    napi_value promise, name;

    access->given = arguments_of(env, info);
    napi_create_promise(env, &access->deferred, &promise);
    napi_create_string_utf8(env, "fake access", NAPI_AUTO_LENGTH, &name);
    napi_create_async_work(env, NULL, name, execute_access, finish_access, access, &access->work);
    napi_queue_async_work(env, access->work);
    return promise;
}

static napi_value init(napi_env env, napi_value exports)
{
    static const struct {
        const char *name;
        napi_callback function;
    } functions[] = {
        { "failNext", fail_next }, { "calls", calls },   { "waiting", waiting },
        { "held", held },          { "post", post },     { "sendEvent", send_event },
        { "take", take },          { "slot", slot },     { "ranges", ranges },
        { "memory", memory },      { "access", start_access }, { "clearUp", clear_up },
        { "unbindAll", unbind_all }, { "setState", set_state }, { "dawdle", dawdle },
        { "told", told },
        { "buffer", buffer },      { "ringPointers", ring_pointers }, { "setRingPointers", set_ring_pointers },
    };

    for ( size_t i = 0; i < sizeof functions / sizeof functions[0]; i++ )
    {
        napi_value function;

        napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
        napi_set_named_property(env, exports, functions[i].name, function);
    }
    return exports;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
