/** What is around every page: where one can go, and who one is. */

import { BulbOutlined, LogoutOutlined, TranslationOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Badge, Button, Tooltip } from 'antd';
import { Suspense } from 'react';
import { Link, NavLink, Outlet } from 'react-router-dom';
import { api } from '../api/client';
import { useTexts } from '../i18n';
import { useAppearance } from './appearance';
import { Loading } from './parts';
import { useMe, useSignOut } from './session';

const INBOX_REFRESH_MS = 5000;

/** What waits for the user; asked for again and again while the page is looked at. */
export function useInbox() {
  return useQuery({
    queryKey: ['approvals', 'inbox'],
    queryFn: () => api.approvals('inbox'),
    refetchInterval: INBOX_REFRESH_MS,
  });
}

export function Frame() {
  const { t, language, setLanguage } = useTexts();
  const { dark, setDark } = useAppearance();
  const me = useMe();
  const signOut = useSignOut();
  const inbox = useInbox();
  return (
    <div className="app-frame">
      <a className="app-skip" href="#main">
        {t('app.skip')}
      </a>
      <header className="app-head">
        <Link to="/" className="app-brand">
          <img src="/icon.svg" alt="" width={24} height={24} />
          ProFlow
        </Link>
        <nav className="app-nav" aria-label={t('app.navigation')}>
          <NavLink to="/" end>
            {t('nav.workflows')}
          </NavLink>
          <NavLink to="/runs">{t('nav.runs')}</NavLink>
          <NavLink to="/inbox">
            {t('nav.inbox')}{' '}
            <Badge count={inbox.data?.items.length ?? 0} size="small" color="#cf1322" />
          </NavLink>
          <NavLink to="/tasks">{t('nav.tasks')}</NavLink>
          <NavLink to="/check">{t('nav.check')}</NavLink>
        </nav>
        <div className="app-user">
          <span className="app-user-name">
            {me.name} · {t('app.tenant', { tenant: me.tenant_id })}
          </span>
          <Tooltip title={t('app.language')}>
            <Button
              type="text"
              icon={<TranslationOutlined />}
              aria-label={t('app.language')}
              onClick={() => setLanguage(language === 'zh' ? 'en' : 'zh')}
            />
          </Tooltip>
          <Tooltip title={dark ? t('app.theme.light') : t('app.theme.dark')}>
            <Button
              type="text"
              icon={<BulbOutlined />}
              aria-label={dark ? t('app.theme.light') : t('app.theme.dark')}
              onClick={() => setDark(!dark)}
            />
          </Tooltip>
          <Tooltip title={t('app.signOut')}>
            <Button
              type="text"
              icon={<LogoutOutlined />}
              aria-label={t('app.signOut')}
              onClick={signOut}
            />
          </Tooltip>
        </div>
      </header>
      <main id="main" className="app-main" tabIndex={-1}>
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  );
}
