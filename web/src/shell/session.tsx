/** Who uses the page: nothing is shown before that is known. */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input } from 'antd';
import { createContext, type ReactNode, useContext } from 'react';
import { ApiProblem, api } from '../api/client';
import { signIn, signOut, token } from '../api/session';
import type { Me } from '../api/types';
import { useTexts } from '../i18n';
import { NODE_TYPES_QUERY } from './nodeTypes';
import { Failure, Loading } from './parts';

const Context = createContext<Me | null>(null);

/** The user; only within `SignedIn`. */
export function useMe(): Me {
  const me = useContext(Context);
  if (me === null) throw new Error('nobody is signed in');
  return me;
}

export function useSignOut(): () => void {
  const queries = useQueryClient();
  return () => {
    signOut();
    queries.clear();
    window.location.assign('/');
  };
}

/** Whether the user has a permission, such as `tenant:admin`; business roles give none. */
export function useMay(permission: string): boolean {
  return useMe().permissions.includes(permission);
}

/** Whether the user may draw and publish. */
export function useDesigner(): boolean {
  return useMay('designs:write');
}

export function SignedIn({ children }: { children: ReactNode }) {
  const me = useQuery({ queryKey: ['me', token()], queryFn: api.me, staleTime: Infinity });
  // A page without a host's icons is better than none: nothing waits for them.
  useQuery({ ...NODE_TYPES_QUERY, enabled: me.data !== undefined });
  if (me.data) return <Context.Provider value={me.data}>{children}</Context.Provider>;
  if (me.isPending) return <Loading />;
  if (me.error instanceof ApiProblem && me.error.status === 401) return <SignIn />;
  return <Failure error={me.error as Error} again={() => void me.refetch()} />;
}

function SignIn() {
  const { t } = useTexts();
  const queries = useQueryClient();
  const tried = token() !== null;
  return (
    <main className="app-page app-sign-in">
      <h1>{t('signIn.title')}</h1>
      {tried && <Alert type="error" showIcon message={t('signIn.refused')} />}
      <Form
        layout="vertical"
        onFinish={({ token: given }: { token: string }) => {
          signIn(given.trim());
          void queries.resetQueries();
        }}
      >
        <Form.Item
          name="token"
          label={t('signIn.token')}
          extra={t('signIn.help')}
          rules={[{ required: true, message: t('start.required') }]}
        >
          <Input.Password autoFocus autoComplete="off" visibilityToggle={false} />
        </Form.Item>
        <Button type="primary" htmlType="submit">
          {t('signIn.submit')}
        </Button>
      </Form>
    </main>
  );
}
