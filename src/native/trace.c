#include "trace.h"

#include <stdlib.h>
#include <string.h>

int trace_init(struct trace *trace)
{
    trace->count = 0;
    trace->off = false;
    trace->records = malloc(TRACE_RECORDS * sizeof *trace->records);
    if ( !trace->records )
        return -1;
    /* Writing, unlike calloc, brings the pages in now. */
    memset(trace->records, 0xff, TRACE_RECORDS * sizeof *trace->records);
    return 0;
}

void trace_free(struct trace *trace)
{
    free(trace->records);
    trace->records = NULL;
}
