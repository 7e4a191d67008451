import { renderToStaticMarkup } from 'react-dom/server';
import { ReactFlowProvider } from 'reactflow';
import { expect, test, vi } from 'vitest';
import { ICONS, iconNamed } from '../src/canvas/icons';
import { kindOf, learnKinds } from '../src/canvas/kinds';
import { NodeCard } from '../src/canvas/NodeCard';
import BUILT_IN from '../src/canvas/node-types.json';
import { flowNodes } from '../src/canvas/picture';
import { groupsOf, Palette } from '../src/editor/Palette';
import { LanguageProvider } from '../src/i18n';
import { MESSAGES } from '../src/i18n/messages';
import { nodeType } from './types';

// What is drawn asks for the language of a browser.
vi.stubGlobal('window', { localStorage: { getItem: () => null } });
vi.stubGlobal('navigator', { languages: ['en'] });

const node = (type: string) => ({
  id: type,
  type,
  label: `a ${type}`,
  x: 0,
  y: 0,
  width: 160,
  height: 48,
  parent: null,
  config: {},
  outcomes: ['default'],
});

function drawn(type: string, language: 'zh' | 'en'): string {
  const picture = { id: 'd', name: 'd', width: 1, height: 1, nodes: [node(type)], edges: [] };
  const [flow] = flowNodes(picture as never, {});
  const Card = NodeCard as never as React.ComponentType<{ data: unknown; selected: boolean }>;
  return renderToStaticMarkup(
    <LanguageProvider language={language}>
      <ReactFlowProvider>
        <Card data={flow?.data} selected={false} />
      </ReactFlowProvider>
    </LanguageProvider>,
  );
}

test.each(BUILT_IN)('a $type is drawn with its icon, shape and title', (kind) => {
  expect(Object.keys(ICONS)).toContain(kind.icon);
  for (const language of ['zh', 'en'] as const) {
    const html = drawn(kind.type, language);
    expect(html).toContain(`anticon-${kind.icon}"`);
    expect(html).toContain(kind.title[language]);
    expect(html).toContain(kind.container ? 'pf-node--container' : `pf-node--${kind.shape}`);
  }
});

test('a type that nobody has told of looks like a task', () => {
  expect(drawn('never-heard-of', 'en')).toContain('anticon-tool"');
  expect(iconNamed('constructor')).toBe(ICONS.tool);
});

test("a host's type is drawn as the service describes it", () => {
  const voucher = nodeType({
    type: 'voucher',
    icon: 'file-text',
    title: { zh: '生成凭证', en: 'Voucher' },
  });
  learnKinds([voucher]);
  expect(kindOf('voucher')?.icon).toBe('file-text');
  expect(drawn('voucher', 'zh')).toContain('anticon-file-text"');
  expect(drawn('voucher', 'zh')).toContain('生成凭证');
});

test('the palette shows every type once, by its category', () => {
  const types = [...BUILT_IN, { type: 'voucher', category: 'work' }].map((one) =>
    nodeType(one as never),
  );
  const html = renderToStaticMarkup(
    <LanguageProvider language="en">
      <Palette types={types} onAdd={() => undefined} />
    </LanguageProvider>,
  );
  for (const one of types) expect(html.split(`data-type="${one.type}"`)).toHaveLength(2);
  const groups = groupsOf(types);
  expect(groups.flatMap(([, members]) => members)).toHaveLength(types.length);
  for (const [category] of groups) expect(MESSAGES).toHaveProperty([`category.${category}`]);
});
