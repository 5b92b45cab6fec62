#include "fast_call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/*
 * Node-API has no way to make such a function, and V8's own interface is C++ that changes with V8. All of Node 20 has V8
 * 11.3 (and no header for this part of it), so its interface is declared here, as v8-fast-api-calls.h and
 * v8-template.h of V8 11.3 have it, and used with no other Node. A v8::Local is a pointer, and so is a napi_value.
 */
#define NODE_WITH_V8_11_3 20

/* v8::CTypeInfo */
struct type_info {
    uint8_t type, sequence, flags;
};
enum { TYPE_VOID = 0, TYPE_V8_VALUE = 10 };

/* v8::CFunctionInfo and v8::CFunction, made by V8's constructors */
struct function_info {
    struct type_info result;
    unsigned int count;
    const struct type_info *arguments;
};
struct c_function {
    const void *address;
    const struct function_info *info;
};

enum { CONSTRUCTOR_THROWS = 0, HAS_SIDE_EFFECT = 0 };

static struct {
    void *(*current_isolate)(void);
    void *(*current_context)(void *isolate);
    void (*make_info)(struct function_info *info, const struct type_info *result, unsigned int count,
                      const struct type_info *arguments);
    void (*make_c_function)(struct c_function *function, const void *address, const struct function_info *info);
    void *(*make_template)(void *isolate, void (*callback)(const void *info), void *data, void *signature, int length,
                           int constructor, int side_effect, const struct c_function *function, uint16_t type,
                           uint16_t from, uint16_t to);
    void *(*get_function)(void *template, void *context);
} v8;

static const struct {
    const char *symbol;
    void *function;
} symbols[] = {
    { "_ZN2v87Isolate10GetCurrentEv", &v8.current_isolate },
    { "_ZN2v87Isolate17GetCurrentContextEv", &v8.current_context },
    { "_ZN2v813CFunctionInfoC1ERKNS_9CTypeInfoEjPS2_", &v8.make_info },
    { "_ZN2v89CFunctionC1EPKvPKNS_13CFunctionInfoE", &v8.make_c_function },
    { "_ZN2v816FunctionTemplate3NewEPNS_7IsolateEPFvRKNS_20FunctionCallbackInfoINS_5ValueEEEENS_5LocalIS4_EENSA_INS_"
      "9SignatureEEEiNS_19ConstructorBehaviorENS_14SideEffectTypeEPKNS_9CFunctionEttt",
      &v8.make_template },
    { "_ZN2v816FunctionTemplate11GetFunctionENS_5LocalINS_7ContextEEE", &v8.get_function },
};

static uv_once_t once = UV_ONCE_INIT;
static bool is_known;
static void (*called)(void);
static struct function_info info;
static struct c_function function;

/* From optimized code. */
static void from_compiled(void *receiver)
{
    (void)receiver;
    called();
}

/* From code that is not optimized yet. */
static void from_interpreted(const void *info)
{
    (void)info;
    called();
}

static void look_up(void)
{
    static const struct type_info result = { .type = TYPE_VOID }, receiver = { .type = TYPE_V8_VALUE };
    uv_lib_t node = { .handle = NULL }; /* dlsym's RTLD_DEFAULT: the program and what it has loaded */

    for ( size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++ )
        if ( uv_dlsym(&node, symbols[i].symbol, symbols[i].function) )
            return;
    v8.make_info(&info, &result, 1, &receiver);
    v8.make_c_function(&function, from_compiled, &info);
    is_known = true;
}

napi_value fast_function(napi_env env, void (*call)(void))
{
    const napi_node_version *version;
    void *isolate, *template;

    if ( napi_get_node_version(env, &version) != napi_ok || version->major != NODE_WITH_V8_11_3 )
        return NULL;
    uv_once(&once, look_up);
    if ( !is_known )
        return NULL;
    called = call;
    isolate = v8.current_isolate();
    template = v8.make_template(isolate, from_interpreted, NULL, NULL, 0, CONSTRUCTOR_THROWS, HAS_SIDE_EFFECT, &function,
                                0, 0, 0);
    return v8.get_function(template, v8.current_context(isolate));
}
