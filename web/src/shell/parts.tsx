/** What several pages show alike. */

import { Alert, Button, Empty, Result, Spin } from 'antd';
import { type ReactNode, useEffect } from 'react';
import type { NodeStatus } from '../api/types';
import { STATUS_ICONS } from '../canvas/kinds';
import { useTexts } from '../i18n';

/** Statuses of approvals and seats look like those of nodes that mean about the same. */
const LOOKS: Record<string, string> = {
  open: 'waiting',
  queued: 'pending',
  approved: 'completed',
  rejected: 'failed',
  returned: 'cancelled',
  transferred: 'skipped',
  timeout: 'failed',
};

export function StatusTag({ status }: { status: string }) {
  const { word } = useTexts();
  const look = LOOKS[status] ?? status;
  const Icon = STATUS_ICONS[look as NodeStatus];
  return (
    <span className={`app-tag app-tag--${look}`}>
      {Icon && <Icon spin={false} aria-hidden />} {word('status', status)}
    </span>
  );
}

export function Failure({ error, again }: { error: Error; again?: () => void }) {
  const { t } = useTexts();
  const message =
    error instanceof TypeError ? t('app.unreachable') : t('app.failed', { message: error.message });
  return (
    <Alert
      type="error"
      showIcon
      message={message}
      action={again && <Button size="small" onClick={again}>{t('app.again')}</Button>}
    />
  );
}

export function Loading() {
  const { t } = useTexts();
  return (
    <div className="app-centred" role="status" aria-label={t('app.loading')}>
      <Spin />
    </div>
  );
}

export function Nothing({ children }: { children?: ReactNode }) {
  const { t } = useTexts();
  return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={children ?? t('app.none')} />;
}

export function Missing({ title }: { title?: string }) {
  const { t } = useTexts();
  return <Result status="404" title={<h1>{title ?? t('app.notFound')}</h1>} />;
}

/** A page: its heading, what can be done, its content. */
export function Page({
  title,
  actions,
  children,
  wide = false,
}: {
  title: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  wide?: boolean;
}) {
  useEffect(() => {
    if (typeof title === 'string') document.title = `${title} · ProFlow`;
  }, [title]);
  return (
    <div className={wide ? 'app-page app-page--wide' : 'app-page'}>
      <header className="app-page-head">
        <h1>{title}</h1>
        <div className="app-actions">{actions}</div>
      </header>
      {children}
    </div>
  );
}
