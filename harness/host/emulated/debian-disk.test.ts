import { expect, test } from 'vitest';
import { mmdebstrapArguments, parseMirror, stageOf } from './debian-disk.ts';
import { imageInputs } from './image-inputs.ts';

const directories = { scratch: "/tmp/o'clock/scratch", staged: "/tmp/o'clock/staged" };

test("mmdebstrap gets the suite, and no mirror but the user's", async () => {
  const inputs = await imageInputs('4.17');
  const own = mmdebstrapArguments({ inputs, ...directories, mirror: undefined });
  expect(own.slice(-2)).toEqual(['bookworm', '/dev/null']);
  expect(own.join('\n')).not.toContain('://');
  const mirror = 'http://localhost/debian';
  expect(mmdebstrapArguments({ inputs, ...directories, mirror }).slice(-3)).toEqual(['bookworm', '/dev/null', mirror]);
});

test('paths in special hooks are words, whatever they hold', async () => {
  const words = mmdebstrapArguments({ inputs: await imageInputs('4.20'), ...directories, mirror: undefined });
  expect(words).toContain(String.raw`--setup-hook=tar-in '/tmp/o'\''clock/staged/rootfs.tar' /`);
});

test('progress is told in our words', () => {
  expect(stageOf('I: downloading packages with apt...')).toBe('download packages');
  expect(stageOf('I: installing remaining packages inside the chroot...')).toBe('install packages');
  expect(stageOf('I: chroot architecture amd64 is equal')).toBeUndefined();
  expect(stageOf('Unpacking libc6')).toBeUndefined();
});

test.each(['http://localhost:9', 'https://example.org/debian', 'file:///srv/debian'])('%s is a mirror', (text) => {
  expect(parseMirror(text)).toBe(text);
});

test.each(['', 'deb http://example.org trixie main', '/etc/passwd', '-', 'http://a b'])('%j is none', (text) => {
  expect(() => parseMirror(text)).toThrow(expect.objectContaining({ blame: 'usage', code: 'MIRROR_INVALID' }));
});
