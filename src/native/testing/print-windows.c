/* Prints the window after each wait: print-windows MODE LONGEST CYCLES... */
#include <stdio.h>
#include <stdlib.h>

#include "../waiting.h"

int main(int count, char **arguments)
{
    struct waiting waiting = { 0 };

    waiting_set(&waiting, atoi(arguments[1]), strtoull(arguments[2], NULL, 10));
    printf("[%llu", (unsigned long long)waiting_window(&waiting));
    for ( int i = 3; i < count; i++ )
    {
        waiting_ended(&waiting, strtoull(arguments[i], NULL, 10));
        printf(",%llu", (unsigned long long)waiting_window(&waiting));
    }
    printf("]\n");
    return 0;
}
