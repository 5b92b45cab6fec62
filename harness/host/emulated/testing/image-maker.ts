// Asks for the image with some Xen, and prints what it is told and what it gets.
import { isLabError } from '../../../../src/errors.ts';
import { ensureImage } from '../image.ts';
import { parseXenVersion } from '../xen-versions.ts';

try {
  const image = await ensureImage({
    xen: parseXenVersion(process.argv[2] ?? ''),
    note: (text) => process.stdout.write(`note ${text}\n`),
  });
  process.stdout.write(`state ${image.stateDirectory} of ${image.state.created}\n`);
} catch (error) {
  if (!isLabError(error)) throw error;
  process.stdout.write(`failed ${error.code}: ${error.message}; ${error.next ?? ''}\n`);
}
