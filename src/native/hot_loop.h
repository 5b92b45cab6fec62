/* Serving: answer the last request, wait for the next. One call per request. */
#ifndef IOREQLAB_HOT_LOOP_H
#define IOREQLAB_HOT_LOOP_H

#include "server.h"

enum serve_code {
    SERVE_REQUEST = 0,     /* the lane holds a request; its answer goes there too, before the next call */
    SERVE_INTERRUPTED = 1, /* server_interrupt() was called */
    SERVE_DISPLACED = 2,   /* the watchdog took the lane away, or the server is closed: do not call again */
    SERVE_FAILED = 3,      /* the event channel device failed; errno is in the answer */
};

enum serve_code serve_next(struct lane *lane);

/*
 * The same for the requests of a lane of an adopted server that are INPROCESS: its last device model died with them in hand. Comes
 * back with SERVE_INTERRUPTED when there are no more. To be called until then, before serve_next().
 */
enum serve_code serve_inherited(struct lane *lane);

#endif
