import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SCRATCH } from '../../guests/program/index.ts';
import { buildBundle, bundleFiles } from '../deploy/bundle.ts';
import { runtimeDigest } from '../deploy/runtime.ts';
import { Place } from '../e2e/place.ts';
import { emulatedLabHost } from '../host/emulated/emulated-lab-host.ts';
import { xenVersions } from '../host/emulated/xen-versions.ts';
import { GuestSession } from '../host/guest-session.ts';
import { HostSession } from '../host/host-session.ts';
import { SshConnection } from '../host/ssh/ssh-connection.ts';
import { repository } from '../repository.ts';
import escape, { type EscapeReport } from './escape.device.ts';

const { EACCES, EPERM, ENOENT } = constants.errno;
const scratch = Number(SCRATCH.start);
const gfn = scratch / 4096;

/** What root may do, with handles that nobody has restricted: otherwise the attempts below would prove nothing. */
const everything = {
  ...{ createServer: 0, mapMemory: 0, bindChannel: 0, openPrivcmd: 0, openEvtchn: 0, openGntdev: 0, openHypercall: 0 },
  ...{ openXenbus: 0, hypercall: 0, setuid: 0, execve: ENOENT, socket: 0, kill: 0 },
};

/** Linux's privcmd and evtchn drivers on restricted handles; file permissions; kernel/signal.c. */
const nothing = {
  ...{ createServer: EPERM, mapMemory: EPERM, bindChannel: EACCES, hypercall: EPERM },
  ...{ openPrivcmd: EACCES, openEvtchn: EACCES, openGntdev: EACCES, openHypercall: EACCES, openXenbus: EACCES },
  // It may start programs and open sockets, as the nobody that it is.
  ...{ setuid: EPERM, execve: ENOENT, socket: 0, kill: EPERM },
};

describe.each(xenVersions)('on Xen %s', (xen) => {
  test('a device model can do nothing to another domain, nor to dom0', async () => {
    const signal = AbortSignal.timeout(240_000);
    const bundle = await buildBundle([`${repository}/src/device`, `${repository}/harness/soak`]);
    await using place = await Place.create();
    const serialLog = join(place.directory, 'serial.log');
    const lab = emulatedLabHost({ xen, timing: 'exact' });
    await using machine = await lab.start({ serialLog, signal, note: () => undefined });
    await using session = await HostSession.open({
      ...{ target: machine.ssh, bundle, run: 'privilege', guestCpus: machine.guestCpus, signal },
    });
    await using ssh = await SshConnection.open(machine.ssh, signal);
    const own = new GuestSession(session.agent, await session.guests.acquire('pvh'));
    const other = await session.guests.acquire('hvm');

    await own.createServer('main');
    await own.attach('main', escape.name, { domid: other.domid, gfn }, { trigger: 0x6000 });
    await own.run((program) => program.out(0x6000, 4, scratch));
    const text = Buffer.from(await own.readMemory(scratch, 4096)).toString('utf8');
    const report = JSON.parse(text.slice(0, text.indexOf('\0'))) as EscapeReport;

    const user = 0x7000_0000 + own.domid;
    expect(report.attempts).toEqual(nothing);
    expect(report.files).toEqual({
      ...{ '/dev/xen/privcmd': 'EACCES', '/dev/xen/evtchn': 'EACCES', '/dev/xen/xenbus': 'EACCES' },
      ...{ '/dev/mem': 'EACCES', '/etc/shadow': 'EACCES', '/proc/1/mem': 'EACCES' },
    });
    expect(report.status).toEqual({
      ...{ Uid: `${user}\t${user}\t${user}\t${user}`, Gid: `${user}\t${user}\t${user}\t${user}`, Groups: '' },
      ...{ CapEff: '0000000000000000', CapPrm: '0000000000000000', NoNewPrivs: '1' },
    });
    // Its own guest it serves as ever, with servers that are made and channels that are bound only now.
    await own.createServer('later');
    await own.closeServers();

    const script = `
      const addon = require(${JSON.stringify(`/var/lib/ioreqlab/bundle/${bundle.digest}/${bundleFiles.addon}`)});
      addon.open(${own.domid}, 4);
      addon.createServer();
      console.log(JSON.stringify(addon.probePrivilege(${other.domid}, ${gfn})));`;
    const node = `/var/lib/ioreqlab/runtime/${await runtimeDigest()}/node`;
    const { stdout, stderr } = await ssh.run([node, '-e', script], signal);
    expect(JSON.parse(stdout || JSON.stringify(stderr))).toEqual(everything);
  });
});
