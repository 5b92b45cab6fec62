#include "console.h"

#include "io.h"
#include "lock.h"
#include "program_format.h"

/* Xen has one line buffer per domain: vCPUs must not mix their letters. */
static struct lock line;

static void letter(char c) { out8(CONSOLE_PORT, (uint8_t)c); }

void console_begin(void)
{
    lock_take(&line);
    console_text("ioreqlab guest: ");
}

void console_end(void)
{
    letter('\n');
    lock_release(&line);
}

void console_text(const char *text)
{
    while (*text)
        letter(*text++);
}

static void digits(uint64_t value, unsigned int base)
{
    char text[20];
    unsigned int n = 0;

    do {
        text[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n)
        letter(text[--n]);
}

void console_number(uint64_t value) { digits(value, 10); }

void console_hex(uint64_t value)
{
    console_text("0x");
    digits(value, 16);
}
