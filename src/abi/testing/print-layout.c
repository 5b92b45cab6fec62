/*
 * Prints, as JSON, what the compiler knows from Xen's public headers and from the addon's: the tests compare the
 * TypeScript with it. Bit fields have no offsetof: they are found by setting them.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/ioreq.h>
#include <xen/hvm/params.h>

#include "../../native/hot_loop.h"
#include "../../native/reference_server.h"
#include "../../native/server.h"
#include "../../native/trace.h"

static const char *separator = "";

static void begin(const char *name)
{
    printf("%s\"%s\":{", separator, name);
    separator = "";
}

static void end(void)
{
    printf("}");
    separator = ",";
}

static void entry(const char *name, unsigned long long value)
{
    printf("%s\"%s\":%llu", separator, name, value);
    separator = ",";
}

#define VALUE(name) entry(#name, name)
#define FIELD(type, field) entry(#field, offsetof(struct type, field))

/* The number of the first bit that is set. */
static unsigned int first_bit(const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    unsigned int bit = 0;

    while ( bit < length * 8 && !(byte[bit / 8] >> bit % 8 & 1) )
        bit++;
    return bit;
}

#define BIT_FIELD(type, field)                                   \
    do {                                                         \
        struct type value;                                       \
        memset(&value, 0, sizeof value);                         \
        value.field = 1;                                         \
        entry(#field, first_bit(&value, sizeof value));          \
    } while ( 0 )

int main(void)
{
    printf("{");
    begin("constants");
    VALUE(IOREQ_TYPE_PIO);
    VALUE(IOREQ_TYPE_COPY);
    VALUE(IOREQ_TYPE_PCI_CONFIG);
    VALUE(IOREQ_TYPE_TIMEOFFSET);
    VALUE(IOREQ_TYPE_INVALIDATE);
    VALUE(STATE_IOREQ_NONE);
    VALUE(STATE_IOREQ_READY);
    VALUE(STATE_IOREQ_INPROCESS);
    VALUE(STATE_IORESP_READY);
    VALUE(IOREQ_READ);
    VALUE(IOREQ_WRITE);
    VALUE(MAX_VCPUS);
    VALUE(MAX_REFERENCE_RANGES);
    VALUE(HVM_IOREQSRV_BUFIOREQ_OFF);
    VALUE(HVM_IOREQSRV_BUFIOREQ_LEGACY);
    VALUE(HVM_IOREQSRV_BUFIOREQ_ATOMIC);
    VALUE(WAITING_BLOCK);
    VALUE(WAITING_SPIN);
    VALUE(WAITING_ADAPTIVE);
    VALUE(REQUEST_READ);
    VALUE(REQUEST_POINTER);
    VALUE(REQUEST_BACKWARDS);
    VALUE(REQUEST_BUFFERED);
    VALUE(IOREQ_BUFFER_SLOT_NUM);
    VALUE(HVM_PARAM_IOREQ_PFN);
    VALUE(HVM_PARAM_BUFIOREQ_PFN);
    VALUE(HVM_PARAM_DM_DOMAIN);
    VALUE(HVM_PARAM_BUFIOREQ_EVTCHN);
    VALUE(DOMID_SELF);
    end();

    begin("ioreq");
    FIELD(ioreq, addr);
    FIELD(ioreq, data);
    FIELD(ioreq, count);
    FIELD(ioreq, size);
    FIELD(ioreq, vp_eport);
    entry("sizeof", sizeof(struct ioreq));
    end();

    begin("ioreqBits");
    BIT_FIELD(ioreq, state);
    BIT_FIELD(ioreq, data_is_ptr);
    BIT_FIELD(ioreq, dir);
    BIT_FIELD(ioreq, df);
    BIT_FIELD(ioreq, type);
    end();

    begin("bufferedPage");
    FIELD(buffered_iopage, read_pointer);
    FIELD(buffered_iopage, write_pointer);
    FIELD(buffered_iopage, buf_ioreq);
    entry("slot", sizeof(struct buf_ioreq));
    entry("sizeof", sizeof(struct buffered_iopage));
    end();

    begin("buf_ioreqBits");
    BIT_FIELD(buf_ioreq, type);
    BIT_FIELD(buf_ioreq, dir);
    BIT_FIELD(buf_ioreq, size);
    BIT_FIELD(buf_ioreq, addr);
    BIT_FIELD(buf_ioreq, data);
    end();

    begin("words");
    entry("code", REQUEST_WORD(code));
    entry("vcpu", REQUEST_WORD(vcpu));
    entry("type", REQUEST_WORD(type));
    entry("bits", REQUEST_WORD(bits));
    entry("addr", REQUEST_WORD(addr));
    entry("data", REQUEST_WORD(data));
    entry("count", REQUEST_WORD(count));
    entry("size", REQUEST_WORD(size));
    entry("answer", REQUEST_WORD(answer));
    entry("region", REQUEST_WORD(region));
    entry("ring_damaged", REQUEST_WORD(ring_damaged));
    entry("words", REQUEST_WORDS);
    end();

    begin("codes");
    VALUE(SERVE_REQUEST);
    VALUE(SERVE_INTERRUPTED);
    VALUE(SERVE_DISPLACED);
    VALUE(SERVE_FAILED);
    end();

    begin("record");
    FIELD(trace_record, tsc_taken);
    FIELD(trace_record, tsc_answered);
    FIELD(trace_record, addr);
    FIELD(trace_record, data);
    FIELD(trace_record, answer);
    FIELD(trace_record, count);
    FIELD(trace_record, size);
    FIELD(trace_record, sequence);
    FIELD(trace_record, vcpu);
    FIELD(trace_record, type);
    FIELD(trace_record, bits);
    FIELD(trace_record, origin);
    entry("sizeof", sizeof(struct trace_record));
    end();

    begin("origins");
    VALUE(TRACE_HANDLER);
    VALUE(TRACE_WATCHDOG);
    VALUE(TRACE_CLOSING);
    end();
    printf("}\n");
    return 0;
}
