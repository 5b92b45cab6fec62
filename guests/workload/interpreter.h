/* Runs programs that check_program found sound. */
#ifndef INTERPRETER_H
#define INTERPRETER_H

#include "cpu.h"
#include "program.h"

/* Runs every operation in turn and writes results and data. */
void interpret(struct cpu *cpu, const struct program *program);

#endif
