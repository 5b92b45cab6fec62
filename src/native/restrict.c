#include "restrict.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "evtchn_pool.h"
#include "js.h"
#include "process.h"
#include "server_exports.h"

#define FAILED(what) (*call = (what), -1)

static int limit(int resource, rlim_t most, const char **call)
{
    const struct rlimit limit = { .rlim_cur = most, .rlim_max = most };

    return setrlimit(resource, &limit) ? FAILED("setrlimit") : 0;
}

/* glibc changes all threads of the process; the kernel's calls change only one. */
static int become(uid_t user, const char **call)
{
    if ( setgroups(0, NULL) )
        return FAILED("setgroups");
    if ( setresgid(user, user, user) )
        return FAILED("setresgid");
    if ( setresuid(user, user, user) )
        return FAILED("setresuid");
    if ( user != 0 && !setuid(0) )
    {
        errno = EPERM;
        return FAILED("setresuid");
    }
    /* Nobody but root looks into the process, and no core of it is written. */
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? FAILED("prctl") : 0;
}

static int restrict_all(uid_t user, unsigned int handles, const char **call)
{
    if ( evtchn_stock_up(handles, call) )
        return -1;
    if ( xen.xentoolcore_restrict_all(process.domid) )
        return FAILED("xentoolcore_restrict_all");
    return limit(RLIMIT_CORE, 0, call) || limit(RLIMIT_FSIZE, 0, call) || become(user, call) ? -1 : 0;
}

napi_value restrict_process(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    uint32_t user, handles;
    const char *call;

    if ( !addon_is_open(env) || !js_arguments(env, info, 2, arguments) || !js_uint32(env, arguments[0], &user) ||
         !js_uint32(env, arguments[1], &handles) || !JS_NEEDS(env, xentoolcore_restrict_all) )
        return NULL;
    if ( restrict_all(user, handles, &call) )
        return js_throw_call(env, call, errno);
    return NULL;
}

napi_value no_new_privileges(napi_env env, napi_callback_info info)
{
    (void)info;
    /* Of this thread, and what it starts. A filter of system calls would do it for all threads, and cost each call. */
    if ( prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) )
        return js_throw_call(env, "prctl", errno);
    return NULL;
}
