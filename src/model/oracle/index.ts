/** From an instruction to the requests that Xen makes of it, and what the guest then sees. */
export { flag, gprNames, makeCpu, type Cpu, type Gpr } from './cpu.ts';
export { execute } from './execute.ts';
export type { Instruction, Modification, Operand, Outcome, PortWidth, Repetition, Width } from './instruction.ts';
export { rulesOf, type OracleRules, type OracleVersion } from './rules.ts';
export type { Answer, IoRequest, World } from './world.ts';
