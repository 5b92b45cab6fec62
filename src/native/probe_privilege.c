#include "probe_privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xen/hvm/hvm_op.h>
#include <xen/sys/privcmd.h>

#include "js.h"
#include "process.h"
#include "server_exports.h"

#define HYPERCALL_XEN_VERSION 17 /* __HYPERVISOR_xen_version; command 0 takes no argument */

static int create_foreign_server(domid_t domid)
{
    ioservid_t id;

    if ( xen.xendevicemodel_create_ioreq_server(process.devicemodel, domid, HVM_IOREQSRV_BUFIOREQ_OFF, &id) )
        return errno;
    xen.xendevicemodel_destroy_ioreq_server(process.devicemodel, domid, id);
    return 0;
}

static int map_foreign_memory(domid_t domid, xen_pfn_t gfn)
{
    int error = 0;
    void *page = xen.xenforeignmemory_map(process.foreignmemory, domid, PROT_READ, 1, &gfn, &error);

    if ( !page )
        return errno;
    xen.xenforeignmemory_unmap(process.foreignmemory, page, 1);
    return -error;
}

/* With the handle of a server of ours. ENOENT when there is none. */
static int bind_foreign_channel(domid_t domid)
{
    for ( unsigned int i = 0; i < MAX_SERVERS; i++ )
    {
        xenevtchn_handle *handle = process.servers[i].open ? process.servers[i].lanes[0].evtchn : NULL;
        int port = handle ? xen.xenevtchn_bind_unbound_port(handle, domid) : -1;

        if ( port >= 0 )
            xen.xenevtchn_unbind(handle, port);
        if ( handle )
            return port < 0 ? errno : 0;
    }
    return ENOENT;
}

static int open_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if ( fd < 0 )
        return errno;
    close(fd);
    return 0;
}

/* On every descriptor that the process has: whichever is of /dev/xen/privcmd. Otherwise the error that most resembles a no. */
static int make_hypercall(void)
{
    privcmd_hypercall_t call = { .op = HYPERCALL_XEN_VERSION };
    struct rlimit limit;
    int refused = ENOTTY;

    if ( getrlimit(RLIMIT_NOFILE, &limit) )
        return errno;
    for ( int fd = 3; fd < (int)(limit.rlim_cur < 4096 ? limit.rlim_cur : 4096); fd++ )
    {
        if ( ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call) > 0 )
            return 0;
        if ( errno == EPERM || errno == EACCES )
            refused = errno;
    }
    return refused;
}

static int become_root(void)
{
    return setuid(0) ? errno : 0;
}

static int run_a_program(void)
{
    char *const words[] = { NULL };

    execve("/nonexistent", words, words);
    return errno;
}

static int signal_init(void)
{
    return kill(1, 0) ? errno : 0;
}

static int open_a_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if ( fd < 0 )
        return errno;
    close(fd);
    return 0;
}

napi_value probe_privilege(napi_env env, napi_callback_info info)
{
    napi_value arguments[2], result;
    uint32_t domid;
    uint64_t gfn;

    if ( !addon_is_open(env) || !js_arguments(env, info, 2, arguments) || !js_uint32(env, arguments[0], &domid) ||
         !js_address(env, arguments[1], &gfn) )
        return NULL;
    napi_create_object(env, &result);
#define TELL(name, errno_) napi_set_named_property(env, result, name, js_number(env, errno_))
    TELL("createServer", create_foreign_server(domid));
    TELL("mapMemory", map_foreign_memory(domid, gfn));
    TELL("bindChannel", bind_foreign_channel(domid));
    TELL("openPrivcmd", open_file("/dev/xen/privcmd"));
    TELL("openEvtchn", open_file("/dev/xen/evtchn"));
    TELL("openGntdev", open_file("/dev/xen/gntdev"));
    TELL("openHypercall", open_file("/dev/xen/hypercall"));
    TELL("openXenbus", open_file("/dev/xen/xenbus"));
    TELL("hypercall", make_hypercall());
    TELL("setuid", become_root());
    TELL("execve", run_a_program());
    TELL("socket", open_a_socket());
    TELL("kill", signal_init());
#undef TELL
    return result;
}
