/* Serving: answer the last request, wait for the next. One call per request. */
#ifndef IOREQLAB_HOT_LOOP_H
#define IOREQLAB_HOT_LOOP_H

#include "server.h"

enum serve_code {
    SERVE_REQUEST = 0,     /* words[] hold a request; the answer goes into words[ANSWER_*] before the next call */
    SERVE_INTERRUPTED = 1, /* server_interrupt() was called */
    SERVE_DISPLACED = 2,   /* the watchdog took the server away, or it is closed: do not call again */
    SERVE_FAILED = 3,      /* the event channel device failed; errno is in words[ANSWER_LOW] */
};

enum serve_code serve_next(struct server *server);

/*
 * The same for the requests of an adopted server that are INPROCESS: its last device model died with them in hand. Comes
 * back with SERVE_INTERRUPTED when there are no more. To be called until then, before serve_next().
 */
enum serve_code serve_inherited(struct server *server);

#endif
