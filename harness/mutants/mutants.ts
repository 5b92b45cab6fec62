import type { Mutant, MutantPart } from './mutant.ts';

const inFile =
  (part: MutantPart, file: string) =>
  (name: string, from: string, to: string): Mutant => ({ name, part, file, from, to });

const dispatcher = inFile('dispatch', 'src/server/dispatcher.ts');
const guestMemory = inFile('dispatch', 'src/server/guest-memory.ts');
const pci = inFile('dispatch', 'src/server/pci-placement.ts');
const emulation = inFile('model', 'src/model/oracle/emulation.ts');
const strings = inFile('model', 'src/model/oracle/strings.ts');
const arithmetic = inFile('model', 'src/model/oracle/arithmetic.ts');
const trace = inFile('model', 'src/model/oracle/check-trace.ts');
const rangeset = inFile('model', 'src/model/xen/rangeset.ts');
const servers = inFile('model', 'src/model/xen/servers.ts');
const interpreter = inFile('guest', 'guests/workload/interpreter.c');
const instructions = inFile('guest', 'guests/workload/instructions.S');
const execute = inFile('guest', 'guests/workload/execute.S');

/** All of them. What each breaks has to be seen by a scenario: caught-by.json says which. */
export const mutants: readonly Mutant[] = [
  dispatcher('a port handler is told the port', 'const offset = address - placed.base;', 'const offset = address;'),
  dispatcher(
    'writes to ports reach the next register',
    'else this.#write(placed, offset, size, words[word.dataLow] as number, 0);',
    'else this.#write(placed, offset + 1, size, words[word.dataLow] as number, 0);',
  ),
  dispatcher('REP goes up only', '(bits & requestBit.backwards) !== 0 ? -size : size', 'size'),
  dispatcher('REP steps through ports', 'type === ioreqType.copy ? step : 0', 'step'),
  dispatcher('REP stays at one address of memory', 'type === ioreqType.copy ? step : 0', '0'),
  dispatcher(
    'REP loses its last element in guest memory',
    'for (let i = 0; i < count; i++) {\n        const at',
    'for (let i = 0; i < last; i++) {\n        const at',
  ),
  dispatcher(
    'REP STOS stores one element too few',
    'for (let i = 0; i < count; i++) {\n        if (isRead)',
    'for (let i = 0; i < last; i++) {\n        if (isRead)',
  ),
  dispatcher(
    'the halves of 8-byte writes change places',
    'handler.write(offset, 4, low);\n      handler.write(offset + 4, 4, high);',
    'handler.write(offset, 4, high);\n      handler.write(offset + 4, 4, low);',
  ),
  dispatcher(
    '8-byte reads give their lower half twice',
    'words[word.answerHigh] = handler.read(offset + 4, 4);',
    'words[word.answerHigh] = handler.read(offset, 4);',
  ),
  dispatcher(
    'REP OUTS of 8 bytes takes 4',
    'const high = size === 8 ? this.#memory.read(guestAddress + 4, 4) : 0;',
    'const high = 0;',
  ),
  dispatcher('the last region of memory is not found', 'while (low <= high)', 'while (low < high)'),
  dispatcher('ports take accesses of all widths', '(placed.widths & (1 << size)) === 0 || (offset &', '(offset &'),
  dispatcher('alignment is not looked at', "region.alignment === 'natural' ? 7 : 0", '0'),
  dispatcher(
    'the last port of a region is missing',
    'this.#portTable.fill(placed.index, base, end + 1)',
    'this.#portTable.fill(placed.index, base, end)',
  ),
  dispatcher('read and write are the same', 'const isRead = (bits & requestBit.read) !== 0;', 'const isRead = true;'),
  dispatcher(
    'negative clock changes are huge',
    '((words[word.dataHigh] as number) | 0) * twoTo32',
    '(words[word.dataHigh] as number) * twoTo32',
  ),
  guestMemory(
    'reads across frames are big-endian',
    'for (let byte = size - 1; byte >= 0; byte--) value = (value << 8) | this.read(address + byte, 1);',
    'for (let byte = 0; byte < size; byte++) value = (value << 8) | this.read(address + byte, 1);',
  ),
  guestMemory(
    'writes across frames repeat their lowest byte',
    '(value >>> (byte * 8)) & 0xff);\n      return;',
    'value & 0xff);\n      return;',
  ),
  pci(
    'configuration space is read as its first byte',
    'value = (value << 8) | this.#readByte(offset + byte);',
    'value = (value << 8) | this.#readByte(offset);',
  ),
  emulation(
    'accesses to memory come in chunks of four bytes',
    'Math.min(8, 2 ** Math.floor(Math.log2(frame.length)))',
    'Math.min(4, 2 ** Math.floor(Math.log2(frame.length)))',
  ),
  emulation(
    'REP to memory goes on over the end of a page',
    'if (count > 1 && type === ioreqType.copy)',
    'if (count < 0)',
  ),
  emulation(
    'REP downwards does one element more in a page',
    'Math.floor(((offset + size - 1) % 0x1000) / size)',
    'Math.floor((offset + size) / size)',
  ),
  emulation('reads of one address are made again', 'entry.start === start && entry.isRead === isRead', 'false'),
  strings('REPE ends where REPNE does', "(repeat === 'rep')", "(repeat !== 'rep')"),
  strings(
    'SCAS compares the other way round',
    "this.#compare(getGpr(this.#cpu, 'rax', this.#size), value)",
    "this.#compare(value, getGpr(this.#cpu, 'rax', this.#size))",
  ),
  strings(
    'LODS leaves RSI where it is',
    "kind === 'outs' || kind === 'movs' || kind === 'lods'",
    "kind === 'outs' || kind === 'movs'",
  ),
  arithmetic('INC and DEC change the carry', 'setFlags(flags, carry, rflags)', 'flags'),
  arithmetic('ADC adds no carry', 'return add(a, b, carryIn, bits, rflags);', 'return add(a, b, 0n, bits, rflags);'),
  trace(
    'of two owners the first gets the access',
    'findLast(({ ranges, isEnabled = true })',
    'find(({ ranges, isEnabled = true })',
  ),
  trace('ranges that touch are two', 'next = range.end + 1n;', 'return false;'),
  trace('bit 31 of the latch means nothing', '(latched & 0x8000_0000n) === 0n', 'latched === 0n'),
  trace('configuration cycles lose their lowest bits', '(latched & 0xfcn) | (request.address & 3n)', 'latched & 0xfcn'),
  trace('what nobody owns reads 0', 'const ones = BigInt.asUintN(8 * size, -1n);', 'const ones = 0n;'),
  rangeset('ranges are not joined', 'below.end + 1n === start', 'false'),
  rangeset(
    'ranges overlap only where they begin',
    'range !== undefined && start <= range.end',
    'range !== undefined && start === range.start',
  ),
  servers('servers get the highest id', 'this.#servers.indexOf(undefined)', 'this.#servers.lastIndexOf(undefined)'),
  servers('a server that is gone keeps its id', 'this.#servers[id] = undefined;', ''),
  interpreter('the guest goes up only', '        registers->rflags |= RFLAGS_DF;', '        registers->rflags |= 0;'),
  interpreter('the guest repeats once', 'gpr[RCX] = operation->count;', 'gpr[RCX] = 1;'),
  interpreter(
    'the guest stores zeros',
    '    case OP_STORE:\n    case OP_STOS:\n    case OP_SCAS:\n        gpr[RDI] = a;\n        gpr[RAX] = b;',
    '    case OP_STORE:\n    case OP_STOS:\n    case OP_SCAS:\n        gpr[RDI] = a;\n        gpr[RAX] = 0;',
  ),
  interpreter(
    'the guest fills half of its memory',
    '(uint8_t)operation->b, operation->count);',
    '(uint8_t)operation->b, operation->count / 2);',
  ),
  instructions('IN of two bytes reads one', 'inw %dx, %ax', 'inb %dx, %al'),
  instructions('a store of four bytes stores two', 'movl %eax, (%rdi)', 'movw %ax, (%rdi)'),
  instructions('MOVS of four bytes moves two', 'OP_MOVS, 4, movsl', 'OP_MOVS, 4, movsw'),
  instructions('SCAS of two bytes compares one', 'OP_SCAS, 2, scasw', 'OP_SCAS, 2, scasb'),
  execute('the guest forgets its counter', '    store RCX, %rcx\n', ''),
  execute('the guest reports stale flags', '    pushfq\n    popq %gs:CPU_RFLAGS\n', ''),
  inFile('guest', 'guests/workload/traps.c')(
    'the guest reports another exception',
    '.vector = (uint8_t)frame->vector,',
    '.vector = (uint8_t)(frame->vector ^ 1),',
  ),
  inFile('guest', 'guests/workload/raw.c')(
    'machine code starts with other flags',
    'cpu->registers.rflags = input->rflags | RFLAGS_RESERVED;',
    'cpu->registers.rflags = RFLAGS_RESERVED;',
  ),
  inFile('guest', 'guests/workload/vectors.c')(
    'vector registers overlap',
    '", " #n "*32(%0)\\n"\n#define STORE_YMM',
    '", " #n "*16(%0)\\n"\n#define STORE_YMM',
  ),
];
