import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LabError } from '../../../src/errors.ts';
import { explainBuildFailure } from './build-failure.ts';
import type { ImageInputs } from './image-inputs.ts';
import { imageFiles } from './machine.ts';
import { asRoot, isRoot } from './name-spaces.ts';
import { SpawnedProcess } from './spawned-process.ts';
import { stagedFiles } from './stage-files.ts';

/** How long making the disk may take, on a slow network. */
const makeMs = 3_600_000;

/** Room in dom0's file system; the file is sparse. */
const diskSize = '4G';

const packedXen = 'xen.gz';

/** What a disk is made with. */
export interface DiskOptions {
  readonly inputs: ImageInputs;
  /** Gets disk, Xen, kernel and initramfs. */
  readonly directory: string;
  /** For intermediate files. */
  readonly scratch: string;
  /** Directory that {@link stageFiles} has filled. */
  readonly staged: string;
  /** Debian mirror; mmdebstrap's own choice when missing. */
  readonly mirror: string | undefined;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes dom0's file system with mmdebstrap.
 *
 * @returns versions of the Debian packages inside, by name
 * @throws LabError: see {@link explainBuildFailure}
 */
export async function makeDisk(options: DiskOptions): Promise<Record<string, string>> {
  const { directory, scratch, note } = options;
  const limit = AbortSignal.timeout(makeMs);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  // In a PID and a mount name space, nothing that mmdebstrap starts or mounts outlives it.
  const inside = [...asRoot, '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--', 'mmdebstrap'];
  await using builder = await SpawnedProcess.start('unshare', [...inside, ...mmdebstrapArguments(options)], {
    cwd: directory,
    env: { TMPDIR: scratch, IOREQLAB_DISK: join(directory, imageFiles.disk), IOREQLAB_DISK_SIZE: diskSize },
    onLine: (line) => {
      const text = stageOf(line);
      if (text !== undefined) note(text);
    },
    signal,
  });
  const { code } = await builder.exited;
  options.signal?.throwIfAborted();
  const output = limit.aborted ? `${builder.output}\nE: no end after ${makeMs / 60_000} minutes` : builder.output;
  if (code !== 0) throw explainBuildFailure(output, directory);
  await unpackXen(directory, scratch);
  return parsePackages(await readFile(join(scratch, 'packages'), 'utf8'));
}

/** Arguments of mmdebstrap. Paths outside of the new system are relative to the image's directory. */
export function mmdebstrapArguments({
  inputs,
  scratch,
  staged,
  mirror,
}: Pick<DiskOptions, 'inputs' | 'scratch' | 'staged' | 'mirror'>): string[] {
  const { xen, suite, packages } = inputs;
  return [
    ...[`--mode=${isRoot ? 'root' : 'unshare'}`, '--variant=minbase', '--format=null'],
    `--include=${packages.join(',')}`,
    `--dpkgopt=${join(staged, stagedFiles.dpkg)}`,
    `--aptopt=APT::Install-Recommends "false"`,
    `--aptopt=Acquire::Languages "none"`,
    // A release that gets no more updates keeps its last index for ever.
    `--aptopt=Acquire::Check-Valid-Until "false"`,
    `--aptopt=Acquire::Retries "2"`,
    `--setup-hook=tar-in ${shellWord(join(staged, stagedFiles.archive))} /`,
    `--customize-hook=download /vmlinuz ${imageFiles.kernel}`,
    `--customize-hook=download /initrd.img ${imageFiles.initrd}`,
    `--customize-hook=download /boot/xen-${xen}-amd64.gz ${shellWord(join(scratch, packedXen))}`,
    `--customize-hook=${join(staged, 'hooks/finish')}`,
    `--customize-hook=download /usr/lib/ioreqlab/packages ${shellWord(join(scratch, 'packages'))}`,
    `--customize-hook=${join(staged, 'hooks/pack')}`,
    ...[suite, '/dev/null'],
    ...(mirror === undefined ? [] : [mirror]),
  ];
}

/** What a line of mmdebstrap's output says about how far it is. */
export function stageOf(line: string): string | undefined {
  const text = /^I: (.*?)(\.\.\.)?$/.exec(line)?.[1];
  if (text === undefined) return undefined;
  const stages: readonly [RegExp, string][] = [
    [/^running apt-get update/, "read Debian's package lists"],
    [/^downloading packages/, 'download packages'],
    [/^extracting archives/, 'unpack packages'],
    [/^installing/, 'install packages'],
    [/hooks\/pack/, 'make the file system'],
  ];
  return stages.find(([pattern]) => pattern.test(text))?.[1];
}

/** QEMU's multiboot loader takes no compressed hypervisor. */
async function unpackXen(directory: string, scratch: string): Promise<void> {
  const packed = await readFile(join(scratch, packedXen));
  await writeFile(join(directory, imageFiles.xen), await promisify(gunzip)(packed));
}

function parsePackages(text: string): Record<string, string> {
  const pairs = text
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  return Object.fromEntries(pairs.map(([name = '', version = '']) => [name, version]));
}

/** mmdebstrap splits its special hooks like a shell. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** @throws LabError with blame `usage`, code `MIRROR_INVALID` */
export function parseMirror(text: string): string {
  // mmdebstrap takes anything else for a line of sources.list or a file.
  if (/^(https?|file):\/\/\S+$/.test(text)) return text;
  throw new LabError(`'${text}' is no address of a Debian mirror`, {
    blame: 'usage',
    code: 'MIRROR_INVALID',
    next: 'give an address such as http://HOST/debian',
  });
}
