/** How canvas and panel share a page. */

import type { Picture } from '../api/types';

/** A drawing that is so many times as wide as it is high gets the whole width. */
const WIDE = 2.2;

export function splitOf(picture: Picture | null | undefined): string {
  return picture && picture.width > WIDE * picture.height
    ? 'app-split app-split--wide'
    : 'app-split';
}
