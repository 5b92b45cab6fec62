// Asks for the image with some Xen, and prints what it is told and what it gets.
import { isLabError } from '../../../../src/errors.ts';
import { ensureImage } from '../image.ts';
import { parseXenVersion } from '../xen-versions.ts';

try {
  const image = await ensureImage({
    xen: parseXenVersion(process.argv[2] ?? ''),
    note: (text) => console.log(`note ${text}`),
  });
  console.log(`state ${image.stateDirectory} of ${image.state.created}`);
} catch (error) {
  if (!isLabError(error)) throw error;
  console.log(`failed ${error.code}: ${error.message}; ${error.next ?? ''}`);
}
