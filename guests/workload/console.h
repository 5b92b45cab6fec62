/* Lines on Xen's debug console. Callers build a line between console_begin() and console_end(). */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

void console_begin(void);
void console_text(const char *text);
void console_number(uint64_t value);
void console_hex(uint64_t value);
void console_end(void);

#endif
