/** Node types as the service describes them, for tests: only what matters is said. */

import type { NodeTypeInfo } from '../src/api/types';

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
