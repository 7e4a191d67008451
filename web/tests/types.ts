/** Node types as the service describes them, for tests: only what matters is said. */

import type { DrawingKeys, NodeTypeInfo } from '../src/api/types';
import PLACES from './drawing-keys.json';

/** As the service says. */
export const KEYS = PLACES as unknown as DrawingKeys;

export function nodeType(given: Partial<NodeTypeInfo> & { type: string }): NodeTypeInfo {
  const title = { zh: given.type, en: given.type };
  return {
    aliases: [],
    outcomes: ['default'],
    rules: false,
    container: false,
    config: {},
    kind: 'step',
    category: 'work',
    icon: 'tool',
    shape: 'work',
    title,
    summary: title,
    labels: {},
    fields: {},
    ...given,
  };
}
