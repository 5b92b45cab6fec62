import { isLabError, LabError } from '../../src/errors.ts';
import { ProgramBuilder } from './builder.ts';
import { programError } from './check-values.ts';
import {
  GPR_NAMES,
  type GprName,
  type InterruptsOperation,
  type MemorySize,
  type Operation,
  type PortSize,
  type Program,
  type Repeat,
  type SampledOperation,
} from './operation.ts';
import { Sampled } from './sampled.ts';
import { bytesFromText, Words } from './words.ts';

/* Sizes are only read here; the builder checks that they exist. */
const portSize = (words: Words): PortSize => words.number('size') as PortSize;
const memorySize = (words: Words): MemorySize => words.number('size') as MemorySize;

function parseSampled(op: string, words: Words): SampledOperation | undefined {
  switch (op) {
    case 'in':
      return Sampled.in(words.number('port'), portSize(words), words.option('rax'));
    case 'out':
      return Sampled.out(words.number('port'), portSize(words), words.quantity('value'), words.option('rax'));
    case 'load':
      return Sampled.load(words.quantity('address'), memorySize(words), words.option('rax'));
    case 'store':
      return Sampled.store(words.quantity('address'), memorySize(words), words.quantity('value'), words.option('rax'));
    case 'cpuid':
      return Sampled.cpuid(words.number('leaf'), words.number('subleaf'));
    case 'rdtsc':
      return Sampled.rdtsc();
    default:
      return undefined;
  }
}

function parseString(op: string, repeat: Repeat, words: Words): Operation | undefined {
  const common = (): { repeat: Repeat; backward: boolean; count: number } => ({
    repeat,
    backward: words.flag('backward'),
    count: words.numberOption('count') ?? 1,
  });
  const rax = (): bigint => words.option('rax') ?? 0n;
  const port = (): number => Number(words.required('port'));
  const [source, destination] = [() => words.required('from'), () => words.required('to')];
  switch (op) {
    case 'ins':
      return { op, ...common(), size: portSize(words), port: port(), destination: destination() };
    case 'outs':
      return { op, ...common(), size: portSize(words), port: port(), source: source() };
    case 'movs':
    case 'cmps':
      return { op, ...common(), size: memorySize(words), source: source(), destination: destination() };
    case 'stos':
    case 'scas':
      return { op, ...common(), size: memorySize(words), destination: destination(), rax: rax() };
    case 'lods':
      return { op, ...common(), size: memorySize(words), source: source(), rax: rax() };
    default:
      return undefined;
  }
}

function parseRaw(words: Words): Operation {
  const code = bytesFromText('code', words.next('code'));
  const registers: Partial<Record<GprName, bigint>> = {};
  for (const name of GPR_NAMES) {
    const value = words.option(name);
    if (value !== undefined) registers[name] = value;
  }
  const vectors: Record<number, Uint8Array> = {};
  for (let index = 0; index < 16; index++) {
    const text = words.text(`v${index}`);
    if (text !== undefined) vectors[index] = bytesFromText(`v${index}`, text);
  }
  const vectorBytes = (words.numberOption('vectors') ?? 0) as 0 | 16 | 32;
  return { op: 'raw', code, registers, rflags: words.option('rflags') ?? 0n, vectorBytes, vectors };
}

function parseOther(op: string, words: Words, builder: ProgramBuilder): Operation | undefined {
  switch (op) {
    case 'barrier': {
      const timeoutCycles = words.option('timeout');
      builder.barrier(timeoutCycles === undefined ? {} : { timeoutCycles });
      return undefined;
    }
    case 'interrupts': {
      const acknowledge = words.numberOption('acknowledge');
      return {
        op,
        count: words.numberOption('count') ?? 1,
        timeoutCycles: words.required('timeout'),
        end: (words.text('end') ?? 'apic') as InterruptsOperation['end'],
        ...(acknowledge === undefined ? {} : { acknowledge }),
      };
    }
    case 'fill':
      return { op, address: words.quantity('address'), length: words.number('length'), byte: words.number('byte') };
    case 'write':
      return { op, address: words.quantity('address'), bytes: bytesFromText('bytes', words.next('bytes')) };
    case 'read':
      return { op, address: words.quantity('address'), length: words.number('length') };
    case 'raw':
      return parseRaw(words);
    case 'crash':
      return { op };
    case 'sample': {
      const warmup = words.numberOption('warmup') ?? 0;
      const count = words.numberOption('count');
      const stamps = words.numberOption('stamps') === 1;
      const name = words.next('the sampled operation');
      const inner = parseSampled(name, words);
      if (inner === undefined) throw programError(`${name} cannot be sampled`);
      if (count === undefined) throw programError('count= is missing');
      return { op, inner, warmup, count, stamps };
    }
    default:
      throw programError(`there is no operation "${op}"`);
  }
}

function parseLine(line: string, builder: ProgramBuilder): void {
  const words = new Words(line);
  const first = words.next('operation');
  const repeat: Repeat = first === 'rep' || first === 'repne' ? first : 'none';
  const op = repeat === 'none' ? first : words.next('operation');
  const string = parseString(op, repeat, words);
  if (repeat !== 'none' && string === undefined) throw programError(`${op} cannot be repeated by ${repeat}`);
  const operation = string ?? parseSampled(op, words) ?? parseOther(op, words, builder);
  words.end();
  if (operation !== undefined) builder.add(operation);
}

/**
 * Reads what `programToText` writes. Empty lines and what follows a `#` are ignored. Throws a LabError (blame
 * `scenario`, PROGRAM_INVALID) that names the line.
 */
export function programFromText(text: string): Program {
  const builder = new ProgramBuilder();
  text.split('\n').forEach((line, index) => {
    const content = line.replace(/#.*/, '').trim();
    if (content === '') return;
    try {
      parseLine(content, builder);
    } catch (cause) {
      if (!isLabError(cause)) throw cause;
      throw new LabError(`line ${index + 1}: ${cause.message}`, { blame: cause.blame, code: cause.code, cause });
    }
  });
  return builder.build();
}
