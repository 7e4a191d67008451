/** The approvals that wait for the user, those they have decided, and those asked for them. */

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, App, AutoComplete, Button, Form, Input, Modal, Segmented, Select } from 'antd';
import { lazy, Suspense, useDeferredValue, useState } from 'react';
import { Link, useNavigate, useParams, useSearchParams } from 'react-router-dom';
import { ApiProblem, api } from '../api/client';
import { useRunDrawing } from '../api/queries';
import type {
  ActName,
  ApprovalDetails,
  ApprovalSummary,
  JsonSchema,
  NewAct,
} from '../api/types';
import { useTexts } from '../i18n';
import { useNames } from '../shell/names';
import { instant } from '../shell/Period';
import { Failure, Loading, Nothing, Page, StatusTag } from '../shell/parts';
import { useMe } from '../shell/session';

const BOXES = ['inbox', 'done', 'initiated'] as const;
type Box = (typeof BOXES)[number];
const RunPreview = lazy(() => import('./RunPreview'));
const REFRESH_MS = 5000;

export default function InboxPage() {
  const { t } = useTexts();
  const { id } = useParams();
  const [asked] = useSearchParams();
  const navigate = useNavigate();
  const box = BOXES.find((one) => one === asked.get('box')) ?? 'inbox';
  return (
    <Page title={t('inbox.title')} actions={<Delegations />}>
      <Segmented<Box>
        aria-label={t('inbox.title')}
        value={box}
        onChange={(next) => navigate(`/inbox?box=${next}`)}
        options={BOXES.map((value) => ({ value, label: t(`inbox.${value}`) }))}
      />
      <div className="app-inbox">
        <Approvals box={box} chosen={id === undefined ? undefined : Number(id)} />
        <div className="app-card">
          {id === undefined ? <Nothing>{t('inbox.choose')}</Nothing> : <Approval id={Number(id)} />}
        </div>
      </div>
    </Page>
  );
}

function Approvals({ box, chosen }: { box: Box; chosen?: number }) {
  const { t, time } = useTexts();
  const navigate = useNavigate();
  const nameOf = useNames();
  const found = useInfiniteQuery({
    queryKey: ['approvals', box, 'pages'],
    queryFn: ({ pageParam }) => api.approvals(box, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    refetchInterval: REFRESH_MS,
  });
  if (found.error) return <Failure error={found.error} again={() => void found.refetch()} />;
  if (found.isPending) return <Loading />;
  const rows: ApprovalSummary[] = found.data.pages.flatMap((page) => page.items);
  if (rows.length === 0) return <Nothing>{t('inbox.empty')}</Nothing>;
  return (
    <div>
      <ul className="app-list" aria-label={t(`inbox.${box}`)}>
        {rows.map((one) => (
          <li key={one.id}>
            <button
              type="button"
              className="app-row-button"
              aria-current={one.id === chosen}
              onClick={() => navigate(`/inbox/${one.id}?box=${box}`)}
            >
              <strong>{one.label}</strong> <StatusTag status={one.status} />
              <div className="app-soft">
                {one.workflow}
                {one.initiator && ` · ${nameOf(one.initiator)}`} ·{' '}
                {t('inbox.opened', { at: time(one.opened_at) })}
                {one.expires_at && one.status === 'open' && (
                  <> · {t('inbox.expires', { at: time(one.expires_at) })}</>
                )}
              </div>
            </button>
          </li>
        ))}
      </ul>
      {found.hasNextPage && (
        <div className="app-more">
          <Button loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {t('app.more')}
          </Button>
        </div>
      )}
    </div>
  );
}

function Approval({ id }: { id: number }) {
  const { t, word, time } = useTexts();
  const nameOf = useNames();
  const found = useQuery({
    queryKey: ['approval', id],
    queryFn: () => api.approval(id),
    refetchInterval: REFRESH_MS,
  });
  if (found.error) return <Failure error={found.error} again={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const approval = found.data;
  return (
    <article className="app-approval" aria-label={approval.label}>
      <h2>
        {approval.label} <StatusTag status={approval.status} />
      </h2>
      <dl className="app-facts">
        <dt>{t('runs.workflow')}</dt>
        <dd>
          {approval.workflow} · <Link to={`/runs/${approval.run_id}`}>{t('inbox.run')}</Link>
        </dd>
        {approval.initiator && (
          <>
            <dt>{t('inbox.initiator')}</dt>
            <dd>{nameOf(approval.initiator)}</dd>
          </>
        )}
      </dl>
      {Object.keys(approval.data).length > 0 && <Asked data={approval.data} run={approval.run_id} />}
      <Acts key={approval.id} approval={approval} />
      <Suspense fallback={<Loading />}>
        <RunPreview key={approval.run_id} run={approval.run_id} />
      </Suspense>
      <h3>
        {t('inbox.seats')} <span className="app-soft">({word('mode', approval.mode)})</span>
      </h3>
      <ul className="app-list">
        {approval.assignments.map((seat, index) => (
          <li key={index}>
            {nameOf(seat.user)}{' '}
            {seat.instead_of && (
              <span className="app-soft">{t('inbox.insteadOf', { user: nameOf(seat.instead_of) })} </span>
            )}
            <StatusTag status={seat.status} />
            {seat.comment && <div className="app-prose">{seat.comment}</div>}
          </li>
        ))}
      </ul>
      <h3>{t('inbox.trail')}</h3>
      <ol className="app-list">
        {approval.trail.map((entry, index) => (
          <li key={index}>
            {nameOf(entry.actor)} · {word('act', entry.act)}
            {entry.comment && <div className="app-prose">{entry.comment}</div>}
            <time className="app-soft" dateTime={entry.at} style={{ display: 'block' }}>
              {time(entry.at)}
            </time>
          </li>
        ))}
      </ol>
    </article>
  );
}

/** What was asked for: the data that the run was started with. */
function Asked({ data, run }: { data: Record<string, unknown>; run: string }) {
  const { t } = useTexts();
  const drawing = useRunDrawing(run);
  const start = drawing.data?.picture?.nodes.find((node) => node.type === 'start');
  const fields = (start?.config.input as JsonSchema | undefined)?.properties;
  return (
    <section aria-label={t('inbox.data')}>
      <dl className="app-facts">
        {Object.entries(data).map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{fields?.[name]?.title ?? name}</dt>
            <dd className="app-prose">
              {typeof value === 'string' ? value : JSON.stringify(value)}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** For whom the user may act in an approval: the seats that are open to them. */
function useSeats(approval: ApprovalDetails): string[] {
  const me = useMe();
  const delegations = useQuery({ queryKey: ['delegations'], queryFn: api.delegations });
  const now = Date.now();
  const absent = new Set(
    (delegations.data ?? [])
      .filter((one) => one.stand_in === me.user && Date.parse(one.starts_at) <= now)
      .map((one) => one.user),
  );
  const open = approval.assignments.filter((seat) => seat.status === 'open');
  return [...new Set(open.map((seat) => seat.user))].filter(
    (user) => user === me.user || absent.has(user),
  );
}

const NEEDS_PERSON: readonly ActName[] = ['transfer', 'add-sign-before', 'add-sign-after'];

function Acts({ approval }: { approval: ApprovalDetails }) {
  const { t, word } = useTexts();
  const { message } = App.useApp();
  const me = useMe();
  const queries = useQueryClient();
  const nameOf = useNames();
  const seats = useSeats(approval);
  const [comment, setComment] = useState('');
  const [insteadOf, setInsteadOf] = useState<string>();
  const [handing, setHanding] = useState<ActName>();
  const acting = useMutation({
    mutationFn: (act: NewAct) => api.act(approval.id, act),
    onSuccess: (after) => {
      queries.setQueryData(['approval', approval.id], after);
      void queries.invalidateQueries({ queryKey: ['approvals'] });
      setComment('');
      setHanding(undefined);
      void message.success(t('inbox.acted'));
    },
    onError: () => void queries.invalidateQueries({ queryKey: ['approval', approval.id] }),
  });
  if (approval.status !== 'open') return null;

  const allow = new Set(approval.allow);
  const admin = me.permissions.includes('approvals:admin');
  const seated = seats.length > 0;
  const initiator = approval.initiator === me.user;
  const possible: ActName[] = [
    ...(seated ? (['approve', 'reject'] as const) : []),
    ...(seated && allow.has('return') ? (['return'] as const) : []),
    ...((seated && allow.has('transfer')) || admin ? (['transfer'] as const) : []),
    ...(seated && allow.has('addSign') ? (['add-sign-before', 'add-sign-after'] as const) : []),
    ...(initiator ? (['urge'] as const) : []),
    ...(initiator && allow.has('withdraw') ? (['withdraw'] as const) : []),
    'comment',
  ];
  const needed = (act: ActName) =>
    act === 'comment' ||
    approval.comment_required === 'always' && ['approve', 'reject', 'return'].includes(act) ||
    approval.comment_required === 'onReject' && ['reject', 'return'].includes(act);
  const mine = seats.includes(me.user);
  const actFor = insteadOf ?? (mine ? undefined : seats[0]);
  const give = (act: ActName, to?: string) => {
    if (needed(act) && !comment.trim()) {
      void message.warning(t('inbox.commentNeeded'));
      return;
    }
    acting.mutate({
      act,
      comment: comment.trim() || null,
      to: to ?? null,
      instead_of: seated && actFor !== me.user ? (actFor ?? null) : null,
    });
  };
  return (
    <div className="app-acts">
      {acting.error && <Refusal error={acting.error} />}
      <Form layout="vertical">
        {(seats.length > 1 || (seated && !mine)) && (
          <Form.Item label={t('inbox.actAs')}>
            <Select
              aria-label={t('inbox.actAs')}
              value={actFor ?? me.user}
              onChange={setInsteadOf}
              options={seats.map((user) => ({
                value: user,
                label: user === me.user ? t('inbox.myself') : nameOf(user),
              }))}
            />
          </Form.Item>
        )}
        <Form.Item label={t('inbox.comment')} htmlFor="comment">
          <Input.TextArea
            id="comment"
            rows={2}
            maxLength={4000}
            value={comment}
            onChange={(event) => setComment(event.target.value)}
          />
        </Form.Item>
      </Form>
      <div className="app-actions">
        {possible.map((act) => (
          <Button
            key={act}
            type={act === 'approve' ? 'primary' : 'default'}
            danger={act === 'reject' || act === 'withdraw'}
            loading={acting.isPending && acting.variables?.act === act}
            disabled={acting.isPending}
            onClick={() => (NEEDS_PERSON.includes(act) ? setHanding(act) : give(act))}
          >
            {word('act', act)}
          </Button>
        ))}
      </div>
      {handing && (
        <PersonModal
          title={word('act', handing)}
          onCancel={() => setHanding(undefined)}
          onChoose={(user) => give(handing, user)}
        />
      )}
    </div>
  );
}

function Refusal({ error }: { error: Error }) {
  return (
    <Alert
      type="error"
      showIcon
      message={error.message}
      description={error instanceof ApiProblem ? error.code : undefined}
    />
  );
}

function PersonField({ value, onChange }: { value?: string; onChange?: (user: string) => void }) {
  const { t } = useTexts();
  const search = useDeferredValue((value ?? '').trim());
  const found = useQuery({
    queryKey: ['people', search],
    queryFn: () => api.people(search, 20),
    staleTime: 30_000,
  });
  return (
    <AutoComplete
      aria-label={t('inbox.to')}
      autoFocus
      value={value}
      onChange={onChange}
      style={{ width: '100%' }}
      options={found.data?.items.map(({ user, name }) => ({
        value: user,
        label: name === user ? user : `${name} (${user})`,
      }))}
    />
  );
}

function PersonModal({
  title,
  onCancel,
  onChoose,
}: {
  title: string;
  onCancel: () => void;
  onChoose: (user: string) => void;
}) {
  const { t } = useTexts();
  const [user, setUser] = useState('');
  return (
    <Modal
      open
      title={title}
      onCancel={onCancel}
      okButtonProps={{ disabled: !user.trim() }}
      onOk={() => onChoose(user.trim())}
    >
      <Form layout="vertical">
        <Form.Item label={t('inbox.to')}>
          <PersonField value={user} onChange={setUser} />
        </Form.Item>
      </Form>
    </Modal>
  );
}

function Delegations() {
  const { t } = useTexts();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('inbox.delegations')}</Button>
      {open && (
        <Modal open title={t('inbox.delegations')} footer={null} onCancel={() => setOpen(false)}>
          <DelegationList />
        </Modal>
      )}
    </>
  );
}

function DelegationList() {
  const { t, time } = useTexts();
  const me = useMe();
  const queries = useQueryClient();
  const nameOf = useNames();
  const [form] = Form.useForm<{ stand_in: string; from: string; till: string }>();
  const found = useQuery({ queryKey: ['delegations'], queryFn: api.delegations });
  const again = () => queries.invalidateQueries({ queryKey: ['delegations'] });
  const giving = useMutation({
    mutationFn: api.delegate,
    onSuccess: () => {
      form.resetFields();
      void again();
    },
  });
  const ending = useMutation({ mutationFn: api.endDelegation, onSuccess: again });
  return (
    <>
      {found.data?.length === 0 && <Nothing>{t('inbox.noDelegations')}</Nothing>}
      <ul className="app-list">
        {found.data?.map((one) => (
          <li key={one.id}>
            {nameOf(one.user)} → {nameOf(one.stand_in)}{' '}
            <span className="app-soft">
              {time(one.starts_at)} – {time(one.ends_at)}
            </span>{' '}
            {one.user === me.user && (
              <Button size="small" onClick={() => ending.mutate(one.id)}>
                {t('inbox.endDelegation')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {giving.error && <Refusal error={giving.error} />}
      <Form
        form={form}
        layout="vertical"
        onFinish={(given) =>
          giving.mutate({
            stand_in: given.stand_in.trim(),
            starts_at: instant(given.from) ?? given.from,
            ends_at: instant(given.till) ?? given.till,
          })
        }
      >
        <Form.Item
          name="stand_in"
          label={t('inbox.standIn')}
          rules={[{ required: true, whitespace: true, message: t('start.required') }]}
        >
          <PersonField />
        </Form.Item>
        {(['from', 'till'] as const).map((name) => (
          <Form.Item
            key={name}
            name={name}
            label={t(`inbox.${name}`)}
            rules={[{ required: true, message: t('start.required') }]}
          >
            <Input type="datetime-local" />
          </Form.Item>
        ))}
        <Button type="primary" htmlType="submit" loading={giving.isPending}>
          {t('inbox.delegate')}
        </Button>
      </Form>
    </>
  );
}
