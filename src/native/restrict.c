#include "restrict.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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

/*
 * A list of what is forbidden, not of what is allowed: what Node itself calls changes with its versions. New programs,
 * new sockets, other processes, the machine. x32 is forbidden as a whole, since its numbers would pass by the list.
 */
#define REFUSE(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), \
                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define X32_BIT 0x40000000u

static int forbid(const char **call)
{
    static struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        REFUSE(execve),
        REFUSE(execveat),
        REFUSE(fork),
        REFUSE(vfork),
        REFUSE(socket),
        REFUSE(connect),
        REFUSE(bind),
        REFUSE(ptrace),
        REFUSE(process_vm_readv),
        REFUSE(process_vm_writev),
        REFUSE(kcmp),
        REFUSE(mount),
        REFUSE(umount2),
        REFUSE(chroot),
        REFUSE(pivot_root),
        REFUSE(unshare),
        REFUSE(setns),
        REFUSE(bpf),
        REFUSE(perf_event_open),
        REFUSE(userfaultfd),
        REFUSE(keyctl),
        REFUSE(add_key),
        REFUSE(request_key),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { .len = sizeof rules / sizeof rules[0], .filter = rules };

    if ( prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) )
        return FAILED("prctl");
    /* All threads, which thereby also get no_new_privs (seccomp_sync_threads in Linux's kernel/seccomp.c). */
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) ? FAILED("seccomp") : 0;
}

static int restrict_all(uid_t user, unsigned int handles, const char **call)
{
    if ( evtchn_stock_up(handles, call) )
        return -1;
    if ( xen.xentoolcore_restrict_all(process.domid) )
        return FAILED("xentoolcore_restrict_all");
    if ( limit(RLIMIT_CORE, 0, call) || limit(RLIMIT_FSIZE, 0, call) || become(user, call) )
        return -1;
    return forbid(call);
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
