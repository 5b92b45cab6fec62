import type { Accelerator, Timing } from './accelerator.ts';

/** Memory of the emulated machine. Room for dom0 and for guests of some hundred MiB each. */
const memoryMiB = 3072;
const dom0MiB = 1280;

/**
 * dom0 has one processor of its own, so that a guest pinned on the other runs beside it. Scrubbing would touch all memory.
 * `noreboot`: a crash stays to be seen.
 */
export const xenCommandLine = [
  'com1=115200,8n1 console=com1 loglvl=all guest_loglvl=all conring_size=1M',
  `dom0_mem=${dom0MiB}M,max:${dom0MiB}M dom0_max_vcpus=1 dom0_vcpus_pin bootscrub=0 noreboot`,
].join(' ');

/**
 * No udev renames the network card; a panic stays to be seen. Debian's security modules but those that have nothing to do
 * here, such as TOMOYO: it costs each ioctl some 150 instructions though nobody has given it a policy (tomoyo_path_number_perm
 * in security/tomoyo/file.c).
 */
export const dom0CommandLine = [
  'root=/dev/vda rw rootfstype=ext4 console=hvc0 net.ifnames=0 panic=0',
  'lsm=landlock,lockdown,yama,integrity,apparmor',
].join(' ');

/** What the serial console of the machine is connected to. */
export interface Serial {
  /** File that gets everything that is printed; absolute path. It is emptied first. */
  readonly log: string;
  /** Unix socket to be made for people who type; absolute path. */
  readonly socket?: string;
}

/** How to start QEMU. Paths that are not named here are those of the state's directory, the working directory. */
export interface Machine {
  readonly timing: Timing;
  readonly accelerator: Accelerator;
  readonly serial: Serial;
  /** Port on the loopback interface that leads to sshd; 0 lets the system choose. */
  readonly sshPort: number;
  /**
   * `boot` from the kernel on, leaving memory and disk in the state's directory; or `restore` the saved state, on private
   * copies of both that vanish with QEMU.
   */
  readonly start: 'boot' | 'restore';
}

/** Names inside a state's directory. */
export const stateFiles = {
  memory: 'memory',
  devices: 'devices',
  disk: 'disk.qcow2',
  bootLog: 'boot.log',
  manifest: 'state.json',
} as const;

/** Names inside an image's directory. A state's directory is two levels below it. */
export const imageFiles = {
  disk: 'disk.ext4',
  xen: 'xen',
  kernel: 'vmlinuz',
  initrd: 'initrd.img',
  privateKey: 'id_ed25519',
  manifest: 'manifest.json',
  states: 'states',
} as const;

/** From a state's directory to its image's. */
export const toImage = '../..';

/** The file descriptor on which QEMU finds its QMP connection. */
export const qmpDescriptor = 3;

/** Arguments of qemu-system-x86_64. */
export function machineArguments(machine: Machine): string[] {
  const { timing, accelerator, serial, sshPort, start } = machine;
  const isBoot = start === 'boot';
  const memory = {
    'qom-type': 'memory-backend-file',
    id: 'memory',
    'mem-path': stateFiles.memory,
    size: memoryMiB * 1024 * 1024,
    // Shared memory stays in the file and out of the saved state; a private mapping of that file copies on write.
    share: isBoot,
  };
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none'],
    ...['-machine', 'q35,memory-backend=memory', '-m', `${memoryMiB}M`, '-smp', '2'],
    ...['-object', JSON.stringify(memory)],
    ...processor(timing, accelerator),
    ...['-chardev', `socket,id=qmp,fd=${qmpDescriptor}`, '-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', serialBackend(serial), '-serial', 'chardev:serial'],
    // Unsafe caching: the disk of a crashed machine is never used again. When our disk is full, dom0 is told so, not stopped.
    ...[
      '-drive',
      `if=none,id=disk,file=${stateFiles.disk},format=qcow2,cache=unsafe,werror=report,snapshot=${isBoot ? 'off' : 'on'}`,
    ],
    ...['-device', 'virtio-blk-pci,drive=disk'],
    ...['-netdev', `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${sshPort}-:22`],
    // No option ROM: nothing boots from the network, and Debian ships it in another package.
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
    ...(isBoot ? bootArguments() : ['-incoming', 'defer']),
  ];
}

function bootArguments(): string[] {
  const at = (name: string): string => `${toImage}/${name}`;
  // The multiboot loader separates modules by commas; a comma inside one is doubled.
  const kernel = `${at(imageFiles.kernel)} ${dom0CommandLine.replaceAll(',', ',,')}`;
  return [
    ...['-kernel', at(imageFiles.xen), '-append', xenCommandLine],
    ...['-initrd', `${kernel},${at(imageFiles.initrd)}`],
  ];
}

function processor(timing: Timing, accelerator: Accelerator): string[] {
  if (accelerator === 'kvm') return ['-accel', 'kvm', '-cpu', 'host'];
  // With SMAP on, a PV dom0 crashes at once in Xen's create_bounce_frame under QEMU 7.2.
  const cpu = ['-cpu', 'max,+svm,+npt,-smap,-smep'];
  if (timing === 'wall') return ['-accel', 'tcg,thread=multi', ...cpu];
  // One instruction is one virtual nanosecond; idle time is real time, so that no time-out fires early.
  return ['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=on', ...cpu];
}

function serialBackend({ log, socket }: Serial): string {
  if (socket === undefined) return `file,id=serial,path=${escapeComma(log)}`;
  return `socket,id=serial,path=${escapeComma(socket)},server=on,wait=off,logfile=${escapeComma(log)},logappend=off`;
}

/** QEMU's option lists are separated by commas; a doubled one stands for itself. */
function escapeComma(text: string): string {
  return text.replaceAll(',', ',,');
}
