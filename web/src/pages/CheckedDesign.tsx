/** A design with its diagnostics on it, and beside it what it becomes. */

import { useQuery } from '@tanstack/react-query';
import { Button, Tabs } from 'antd';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { api } from '../api/client';
import type { Diagnostic, Drawn } from '../api/types';
import { Diagnostics, firstPath } from '../canvas/Diagnostics';
import { NodeDetails } from '../canvas/NodeDetails';
import { WorkflowCanvas } from '../canvas/WorkflowCanvas';
import { splitOf } from '../canvas/split';
import { useTexts } from '../i18n';
import { useAppearance } from '../shell/appearance';
import { Failure, Loading, Nothing } from '../shell/parts';

const NOTHING: Diagnostic[] = [];

export function CheckedDesign({
  design,
  draw,
  identity,
  further = [],
}: {
  design?: unknown;
  /** Gets the drawing of a design whose text the user may not see; instead of `design`. */
  draw?: () => Promise<Drawn>;
  /** Changes as the design does: what is known of it is kept under it. */
  identity: string;
  further?: { key: string; label: string; children: ReactNode }[];
}) {
  const { t } = useTexts();
  const { dark } = useAppearance();
  const drawn = useQuery({
    queryKey: ['drawing', identity],
    queryFn: ({ signal }) => (draw ? draw() : api.draw(design, signal)),
    staleTime: Infinity,
  });
  const found = drawn.data?.diagnostics ?? NOTHING;
  const [shown, setShown] = useState<Diagnostic>();
  const [chosen, setChosen] = useState<string>();
  const [tab, setTab] = useState(draw ? 'node' : 'diagnostics');
  useEffect(() => setShown(firstPath(found)), [found]);
  const path = useMemo(() => shown?.path ?? [], [shown]);
  if (drawn.error) return <Failure error={drawn.error} again={() => void drawn.refetch()} />;
  if (!drawn.data) return <Loading />;
  const picture = drawn.data.picture;
  const node = picture?.nodes.find((one) => one.id === chosen);
  const errors = found.filter((one) => one.level === 'error').length;
  const warnings = found.filter((one) => one.level === 'warning').length;
  const choose = (name: string) => {
    setChosen(name);
    setTab('node');
  };
  return (
    <>
      {!draw && (
        <p className="app-verdict" role="status">
          {errors + warnings === 0 ? t('design.sound') : t('design.counts', { errors, warnings })}
        </p>
      )}
      <div className={splitOf(picture)}>
        <div className="app-stage">
          {picture ? (
            <WorkflowCanvas
              picture={picture}
              diagnostics={found}
              path={path}
              onNodeClick={choose}
              selected={chosen}
              dark={dark}
            />
          ) : (
            <Nothing>{t('design.noPicture')}</Nothing>
          )}
        </div>
        <aside className="app-card app-side">
          <Tabs
            size="small"
            activeKey={tab}
            onChange={setTab}
            items={[
              {
                key: 'diagnostics',
                label: t('design.diagnostics'),
                children: (
                  <Diagnostics
                    found={found}
                    shown={shown}
                    onShow={setShown}
                    onPlace={(one) => one.node && choose(one.node)}
                  />
                ),
              },
              {
                key: 'node',
                label: t('run.node'),
                children: node ? (
                  <NodeDetails
                    node={node}
                    diagnostics={found.filter((one) => one.node === node.id)}
                  />
                ) : (
                  <Nothing />
                ),
              },
              {
                key: 'python',
                label: t('design.python'),
                children: <Code design={design} identity={identity} what="python" />,
              },
              {
                key: 'definition',
                label: t('design.definition'),
                children: <Code design={design} identity={identity} what="definition" />,
              },
              {
                key: 'source',
                label: t('design.source'),
                children: <Listing text={JSON.stringify(design, null, 2)} />,
              },
              ...further,
            ].filter(({ key }) => !draw || key === 'node')}
          />
        </aside>
      </div>
    </>
  );
}

function Code({
  design,
  identity,
  what,
}: {
  design: unknown;
  identity: string;
  what: 'python' | 'definition';
}) {
  const { t } = useTexts();
  const compiled = useQuery({
    queryKey: ['compiled', identity],
    queryFn: ({ signal }) => api.compile(design, signal),
    staleTime: Infinity,
  });
  if (compiled.error) {
    return <Failure error={compiled.error} again={() => void compiled.refetch()} />;
  }
  if (!compiled.data) return <Loading />;
  const { python, definition } = compiled.data;
  if (python === null) return <Nothing>{t('design.noCode')}</Nothing>;
  const text =
    what === 'python'
      ? python
      : typeof definition === 'string'
        ? definition
        : JSON.stringify(definition, null, 2);
  return <Listing text={text} />;
}

function Listing({ text }: { text: string }) {
  const { t } = useTexts();
  const [copied, setCopied] = useState(false);
  return (
    <>
      {/* Pages without TLS have no clipboard. */}
      {window.isSecureContext && (
        <Button
          size="small"
          onClick={() =>
            void navigator.clipboard.writeText(text).then(() => {
              setCopied(true);
              window.setTimeout(() => setCopied(false), 2000);
            })
          }
        >
          {copied ? t('design.copied') : t('design.copy')}
        </Button>
      )}
      <pre className="app-code" tabIndex={0}>
        {text}
      </pre>
    </>
  );
}
