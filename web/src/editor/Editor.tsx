/** Palette, canvas and panel. */

import { RedoOutlined, UndoOutlined } from '@ant-design/icons';
import { Button, Input, Modal, Tabs } from 'antd';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useBlocker } from 'react-router-dom';
import type { Diagnostic, Draft, Fix } from '../api/types';
import { Diagnostics } from '../canvas/Diagnostics';
import { useTexts } from '../i18n';
import { useAppearance } from '../shell/appearance';
import { Failure, Page } from '../shell/parts';
import { useActions } from './actions';
import { type Document, edgesOf, nameOf, type NodeTypes } from './document';
import { setName } from './edits';
import { EdgePanel } from './EdgePanel';
import './editor.css';
import { EditorCanvas } from './EditorCanvas';
import { Labelled, NodePanel, Problems } from './NodePanel';
import { Palette } from './Palette';
import { applyFix } from './patch';
import { type Editing, NOTHING_CHOSEN, useEditing } from './useEditing';
import { useSaving } from './useSaving';

export function Editor({
  draft,
  first,
  types,
  onCreated,
  onReload,
}: {
  draft?: Draft;
  first: Document;
  types: NodeTypes;
  onCreated: (code: string) => void;
  onReload: () => void;
}) {
  const { t } = useTexts();
  const { dark } = useAppearance();
  const editing = useEditing(first, types);
  const actions = useActions(editing);
  const [tab, setTab] = useState('settings');
  const [newCode, setNewCode] = useState('');
  const [codeNeeded, setCodeNeeded] = useState(false);
  const [shown, setShown] = useState<Diagnostic>();
  const untouched = useRef(first);
  // Read when somebody leaves, which may be before the next rendering.
  const unsaved = useRef(false);
  const saving = useSaving(draft, first, (made) => {
    unsaved.current = false;
    onCreated(made);
  });
  const { document, selection, select } = editing;
  const dirty = document !== (saving.saved ?? untouched.current);
  unsaved.current = dirty;
  useLeaving(unsaved);
  useHotkeys(editing);
  useEffect(() => {
    if (selection.nodes.length || selection.edge !== null) setTab('settings');
  }, [selection]);

  const name = nameOf(document) || saving.code || '';
  const ready = () => {
    const lacking = saving.code === undefined && newCode.trim() === '';
    setCodeNeeded(lacking);
    if (lacking) {
      select(NOTHING_CHOSEN);
      setTab('settings');
    }
    return !lacking;
  };
  const { refused } = saving;
  const found = refused?.document === document ? refused.diagnostics : editing.diagnostics;
  useEffect(() => {
    if (refused !== null) setTab('diagnostics');
  }, [refused]);
  const problems = found.filter((one) => one.level !== 'info').length;
  const walk = found.find((one) => one === shown);
  const goTo = useCallback(
    (one: Diagnostic) => {
      if (one.node !== null) select({ nodes: [one.node], edge: null });
      const edge = edgesOf(editing.latest.current.document).find(({ key }) => key === one.edge);
      if (one.node === null && edge !== undefined) select({ nodes: [], edge: edge.index });
      if (one.node !== null) actions.show.current(one.node);
      setTab('settings');
    },
    [select, editing.latest, actions],
  );
  // Pointers are those of the design that was checked: another one has to be checked first.
  const current =
    refused?.document === document || (!editing.checking && editing.checkError === null);
  const fixing = (fix: Fix) => {
    const fixed = current ? applyFix(document, fix.edits) : null;
    return fixed && (() => {
      editing.edit((before) => (before === document ? fixed : before));
      // Edges are known by their place: another one may be there now.
      if (selection.edge !== null) select(NOTHING_CHOSEN);
    });
  };
  return (
    <Page
      wide
      title={saving.code === undefined ? t('edit.new') : t('edit.title', { name })}
      actions={
        <>
          <span role="status" className="app-soft">
            {[dirty ? t('edit.unsaved') : '', editing.checking ? t('edit.checking') : '']
              .filter(Boolean)
              .join(' · ')}
          </span>
          <Button
            icon={<UndoOutlined />}
            aria-label={t('edit.undo')}
            title={t('edit.undo')}
            disabled={!editing.canUndo}
            onClick={editing.undo}
          />
          <Button
            icon={<RedoOutlined />}
            aria-label={t('edit.redo')}
            title={t('edit.redo')}
            disabled={!editing.canRedo}
            onClick={editing.redo}
          />
          <Button
            loading={saving.busy === 'save'}
            disabled={saving.busy !== null || (!dirty && saving.saved !== null)}
            onClick={() => ready() && void saving.save(document, newCode.trim())}
          >
            {t('edit.save')}
          </Button>
          <Button
            type="primary"
            loading={saving.busy === 'publish'}
            disabled={saving.busy !== null}
            onClick={() => ready() && void saving.publish(document, newCode.trim())}
          >
            {t('design.publish')}
          </Button>
        </>
      }
    >
      {editing.checkError && <Failure error={editing.checkError} />}
      <div className="pf-workbench">
        <Palette types={types.all} onAdd={actions.add} />
        <div className="app-stage">
          <EditorCanvas editing={editing} actions={actions} path={walk?.path} dark={dark} />
        </div>
        <aside className="app-card app-side" aria-label={t('edit.settings')}>
          <Tabs
            size="small"
            activeKey={tab}
            onChange={setTab}
            items={[
              {
                key: 'settings',
                label: t('edit.settings'),
                children: (
                  <Chosen editing={editing} actions={actions}>
                    <WorkflowPanel
                      editing={editing}
                      code={saving.code}
                      newCode={newCode}
                      onCode={(next) => {
                        setNewCode(next);
                        setCodeNeeded(false);
                      }}
                      codeNeeded={codeNeeded}
                    />
                  </Chosen>
                ),
              },
              {
                key: 'diagnostics',
                label: problems
                  ? `${t('design.diagnostics')} (${problems})`
                  : t('design.diagnostics'),
                children: (
                  <Diagnostics
                    found={found}
                    shown={walk}
                    onShow={setShown}
                    onPlace={goTo}
                    onFix={fixing}
                  />
                ),
              },
            ]}
          />
        </aside>
      </div>
      <Modal
        open={saving.conflict !== null}
        title={t('edit.meanwhile')}
        onCancel={() => saving.resolve(null)}
        footer={[
          <Button key="cancel" onClick={() => saving.resolve(null)}>
            {t('app.cancel')}
          </Button>,
          <Button
            key="reload"
            onClick={() => {
              saving.resolve(null);
              onReload();
            }}
          >
            {t('edit.reload')}
          </Button>,
          <Button key="overwrite" danger onClick={() => saving.resolve(document)}>
            {t('edit.overwrite')}
          </Button>,
        ]}
      />
      <LeaveQuestion unsaved={unsaved} />
    </Page>
  );
}

/** The form for what is chosen, else for the whole. */
function Chosen({
  editing,
  actions,
  children,
}: {
  editing: Editing;
  actions: ReturnType<typeof useActions>;
  children: React.ReactNode;
}) {
  const { t } = useTexts();
  const { selection, picture, document } = editing;
  if (selection.nodes.length > 1) {
    return (
      <div className="app-form">
        <p>{t('edit.selected', { count: selection.nodes.length })}</p>
        <div>
          <Button danger onClick={actions.remove}>
            {t('edit.remove')}
          </Button>
        </div>
      </div>
    );
  }
  const node = picture.nodes.find((one) => one.id === selection.nodes[0]);
  if (node !== undefined) {
    return <NodePanel key={node.id} editing={editing} actions={actions} node={node} />;
  }
  const edge = edgesOf(document).find((one) => one.index === selection.edge);
  if (edge !== undefined) {
    return <EdgePanel key={edge.index} editing={editing} actions={actions} edge={edge} />;
  }
  return children;
}

function WorkflowPanel({
  editing,
  code,
  newCode,
  onCode,
  codeNeeded,
}: {
  editing: Editing;
  code: string | undefined;
  newCode: string;
  onCode: (next: string) => void;
  codeNeeded: boolean;
}) {
  const { t } = useTexts();
  const { edit, document, picture, select } = editing;
  const start = picture.nodes.find((node) => node.type === 'start');
  return (
    <section className="app-form" aria-label={t('edit.workflow')}>
      <p className="app-soft app-note">{t('edit.nothing')}</p>
      <Labelled label={t('edit.name')}>
        {(id) => (
          <Input
            id={id}
            value={nameOf(document)}
            maxLength={255}
            onChange={(event) => {
              const name = event.target.value;
              edit((before) => setName(before, name), 'name');
            }}
          />
        )}
      </Labelled>
      <Labelled label={t('edit.code')}>
        {(id) => (
          <>
            <Input
              id={id}
              value={code ?? newCode}
              disabled={code !== undefined}
              maxLength={64}
              status={codeNeeded ? 'error' : undefined}
              aria-invalid={codeNeeded}
              onChange={(event) => onCode(event.target.value)}
            />
            {code === undefined && <div className="app-soft app-note">{t('edit.codeHelp')}</div>}
            {codeNeeded && (
              <div className="app-field-error" role="alert">
                {t('edit.codeNeeded')}
              </div>
            )}
          </>
        )}
      </Labelled>
      {start && (
        <div>
          <p className="app-soft app-note">{t('edit.start')}</p>
          <Button size="small" onClick={() => select({ nodes: [start.id], edge: null })}>
            {t('edit.toStart')}
          </Button>
        </div>
      )}
      <Problems
        found={editing.diagnostics.filter((one) => one.node === null && one.edge === null)}
      />
    </section>
  );
}

/** Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y, in fields too: what is typed there is in the document. */
function useHotkeys({ undo, redo }: Editing): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      const back = key === 'z' && !event.shiftKey;
      if (!back && key !== 'y' && key !== 'z') return;
      event.preventDefault();
      if (back) undo();
      else redo();
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, [undo, redo]);
}

/** Whoever closes the page is asked by the browser. */
function useLeaving(unsaved: { readonly current: boolean }): void {
  useEffect(() => {
    const leaving = (event: BeforeUnloadEvent) => {
      if (unsaved.current) event.preventDefault();
    };
    window.addEventListener('beforeunload', leaving);
    return () => window.removeEventListener('beforeunload', leaving);
  }, [unsaved]);
}

/** Whoever goes to another page of ours is asked here. */
function LeaveQuestion({ unsaved }: { unsaved: { readonly current: boolean } }) {
  const { t } = useTexts();
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) =>
      unsaved.current && currentLocation.pathname !== nextLocation.pathname,
  );
  return (
    <Modal
      open={blocker.state === 'blocked'}
      title={t('edit.leave')}
      okText={t('edit.leaveAnyway')}
      okButtonProps={{ danger: true }}
      cancelText={t('edit.stay')}
      onOk={() => blocker.proceed?.()}
      onCancel={() => blocker.reset?.()}
    />
  );
}
