// A device-model process that only says what it was asked, and dies when it is told to: for tests of who replaces it.

/** @param {unknown} message */
const say = (message) => void process.send?.(message);

let setups = 0;
/** @param {any} message src/agent/device-model.ts, ToDeviceModel */
function hear(message) {
  const { setup, id = -1, request, isRepeated } = message;
  if (setup !== undefined) {
    setups++;
    /** @type {{ requests: { device?: string }[] }[]} */
    const servers = setup.inheritance?.servers ?? [];
    if (servers.some(({ requests }) => requests.some(({ device }) => device === 'refused'))) {
      say({ id, ok: false, error: { blame: 'host', code: 'EIO', message: 'no' } });
      return;
    }
    say({ event: { event: 'log', level: 'debug', message: JSON.stringify(setup.inheritance ?? null) } });
    say({ id, ok: true, result: { control: 1 }, blobs: [] });
    return;
  }
  // `die`: once, or whenever it is asked.
  const { device = '' } = request;
  if (device === 'die' || (device === 'die-once' && !isRepeated)) process.kill(process.pid, 'SIGKILL');
  else say({ id, ok: true, result: { xenId: 2, isRepeated, setups }, blobs: [] });
}
process.on('message', hear);
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
