#include "control.h"

#include <stdlib.h>
#include <uv.h>

struct control {
    uv_poll_t poll;
    napi_env env;
    napi_ref callback;
    napi_async_context context;
    struct server *server;
};

static struct control *control;

static bool is_question(const struct request *request)
{
    return request->type == IOREQ_TYPE_PIO && slot_wants_data(request) && request->count == 1;
}

/* The callback may end the watch: nothing of it is used afterwards. */
static void call_back(unsigned int vcpu)
{
    napi_env env = control->env;
    napi_handle_scope scope;
    napi_value callback, receiver, argument, result;

    napi_open_handle_scope(env, &scope);
    napi_get_reference_value(env, control->callback, &callback);
    napi_get_global(env, &receiver);
    napi_create_uint32(env, vcpu, &argument);
    if ( napi_make_callback(env, control->context, receiver, callback, 1, &argument, &result) == napi_pending_exception )
    {
        napi_value error;

        napi_get_and_clear_last_exception(env, &error);
        napi_fatal_exception(env, error);
    }
    napi_close_handle_scope(env, scope);
}

static void take_question(struct lane *lane, unsigned int vcpu)
{
    struct request request = { 0 };

    slot_take(&lane->slots[vcpu], vcpu, &request);
    if ( is_question(&request) )
        call_back(vcpu);
    else
        /* Xen's broadcasts come to every server, and a guest may do anything to the port. */
        lane_answer(lane, &request, rdtsc(), TRACE_HANDLER);
}

/* Whoever died with a question in hand has left it INPROCESS: the vCPU still waits. */
static void ask_again(struct lane *lane)
{
    for ( unsigned int vcpu = 0; control && vcpu < lane->end; vcpu++ )
        if ( slot_state(&lane->slots[vcpu]) == STATE_IOREQ_INPROCESS )
            take_question(lane, vcpu);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct lane *lane = &control->server->lanes[0];
    int port;

    (void)poll;
    if ( status < 0 || !(events & UV_READABLE) )
        return;
    port = xen.xenevtchn_pending(lane->evtchn);
    if ( port < 0 )
        return;
    xen.xenevtchn_unmask(lane->evtchn, port);
    /* All slots, whichever port it was: binding a channel raises an event that stands for no request. */
    for ( unsigned int vcpu = 0; control && vcpu < lane->end; vcpu++ )
        if ( slot_state(&lane->slots[vcpu]) == STATE_IOREQ_READY )
            take_question(lane, vcpu);
}

static void release(struct control *watch)
{
    napi_delete_reference(watch->env, watch->callback);
    napi_async_destroy(watch->env, watch->context);
}

int control_watch(napi_env env, struct server *server, napi_value callback)
{
    struct control *watch = calloc(1, sizeof *watch);
    uv_loop_t *loop;
    napi_value name;
    int error;

    if ( !watch )
        return UV_ENOMEM;
    watch->env = env;
    watch->server = server;
    napi_create_string_utf8(env, "ioreqlab.control", NAPI_AUTO_LENGTH, &name);
    napi_create_reference(env, callback, 1, &watch->callback);
    napi_async_init(env, NULL, name, &watch->context);
    napi_get_uv_event_loop(env, &loop);
    if ( (error = uv_poll_init(loop, &watch->poll, xen.xenevtchn_fd(server->lanes[0].evtchn))) )
    {
        release(watch);
        free(watch);
        return error;
    }
    watch->poll.data = watch;
    control = watch;
    if ( (error = uv_poll_start(&watch->poll, UV_READABLE, on_event)) )
        control_unwatch();
    else if ( server->adopted )
        ask_again(&server->lanes[0]);
    return error;
}

bool control_watched(void)
{
    return control != NULL;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void control_unwatch(void)
{
    if ( !control )
        return;
    uv_poll_stop(&control->poll);
    release(control);
    uv_close((uv_handle_t *)&control->poll, on_closed);
    control = NULL;
}

bool control_answer(struct server *server, unsigned int vcpu, uint32_t value)
{
    struct lane *lane = &server->lanes[0];
    struct request request = { 0 };

    if ( vcpu >= lane->end || slot_state(&lane->slots[vcpu]) != STATE_IOREQ_INPROCESS )
        return false;
    slot_take(&lane->slots[vcpu], vcpu, &request);
    request.answer = value;
    lane_answer(lane, &request, rdtsc(), TRACE_HANDLER);
    return true;
}
