import type { CommandModule } from 'yargs';
import { $ } from 'zx';
import { step } from '../../infra/setup/progress.mjs';
import { LabError } from '../../src/errors.ts';
import { ensureImage } from '../host/emulated/image.ts';
import { defaultXenVersion, parseXenVersion } from '../host/emulated/xen-versions.ts';
import { repository } from '../repository.ts';
import { interruptible } from './interrupt.ts';

interface SetupArguments {
  xen: string;
  images: boolean;
  timing: 'exact' | 'wall';
  refresh: boolean;
  mirror: string | undefined;
}

export const setupCommand: CommandModule<object, SetupArguments> = {
  command: 'setup',
  describe: 'build what a checkout needs: the addon, the guest, images of emulated hosts',
  builder: (argv) =>
    argv
      .options({
        xen: { type: 'string', default: defaultXenVersion, describe: 'images of these versions, separated by commas' },
        images: { type: 'boolean', default: true, describe: 'with --no-images: only the addon and the guest' },
        timing: { choices: ['exact', 'wall'] as const, default: 'exact' as const, describe: 'what the images are for' },
        refresh: { type: 'boolean', default: false, describe: "make the images anew, with Debian's newest packages" },
        mirror: { type: 'string', describe: "where Debian's packages come from", requiresArg: true },
      })
      .example('$0 setup --xen 4.20,4.17,4.14', 'all versions')
      .example('$0 setup --no-images', 'what `npm run bench` needs'),
  handler: async ({ xen, images, timing, refresh, mirror }) => {
    const versions = (images ? xen : '')
      .split(',')
      .filter((word) => word !== '')
      .map(parseXenVersion);
    using interrupt = interruptible();
    const { signal } = interrupt;
    await step('build the addon', async () => await make('src/native'));
    await step('build the guest', async () => await make('guests/workload'));
    for (const version of versions) {
      await step(`image of the host with Xen ${version}`, async (note) => {
        await ensureImage({ xen: version, timing, refresh, signal, note, ...(mirror === undefined ? {} : { mirror }) });
      });
    }
  },
};

async function make(directory: string): Promise<void> {
  const { exitCode, stderr, stdout } = await $({
    cwd: repository,
    nothrow: true,
    quiet: true,
  })`make --no-print-directory -s -C ${directory}`;
  if (exitCode === 0) return;
  throw new LabError(`${directory} does not build`, {
    blame: 'harness',
    code: 'BUILD_FAILED',
    evidence: `${stdout}${stderr}`,
    next: `make -C ${directory}`,
  });
}
