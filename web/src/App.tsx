/** The page: its addresses, its language, its colours. */

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App as Feedback, ConfigProvider, theme } from 'antd';
import en from 'antd/locale/en_GB';
import zh from 'antd/locale/zh_CN';
import { lazy, useEffect } from 'react';
import { createBrowserRouter, RouterProvider } from 'react-router-dom';
import { ApiProblem } from './api/client';
import { LanguageProvider, useTexts } from './i18n';
import { WorkflowsPage } from './pages/WorkflowsPage';
import './canvas/colours.css';
import './shell/app.css';
import { AppearanceProvider, useAppearance } from './shell/appearance';
import { Frame } from './shell/Frame';
import { Missing } from './shell/parts';
import { SignedIn } from './shell/session';

const CheckPage = lazy(() => import('./pages/CheckPage'));
const DesignPage = lazy(() => import('./pages/DesignPage'));
const EditorPage = lazy(() => import('./editor/EditorPage'));
const InboxPage = lazy(() => import('./pages/InboxPage'));
const RunPage = lazy(() => import('./pages/RunPage'));
const RunsPage = lazy(() => import('./pages/RunsPage'));
const StartPage = lazy(() => import('./pages/StartPage'));
const TasksPage = lazy(() => import('./pages/TasksPage'));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What was refused stays refused; what did not arrive may arrive now.
      retry: (count, error) => !(error instanceof ApiProblem && error.status < 500) && count < 2,
      staleTime: 1000,
    },
  },
});

const router = createBrowserRouter([
  {
    path: '/',
    element: (
      <SignedIn>
        <Frame />
      </SignedIn>
    ),
    children: [
      { index: true, element: <WorkflowsPage /> },
      { path: 'check', element: <CheckPage /> },
      { path: 'new', element: <EditorPage /> },
      { path: 'designs/:code', element: <DesignPage /> },
      { path: 'designs/:code/edit', element: <EditorPage /> },
      { path: 'designs/:code/start', element: <StartPage /> },
      { path: 'runs', element: <RunsPage /> },
      { path: 'runs/:id', element: <RunPage /> },
      { path: 'tasks', element: <TasksPage /> },
      { path: 'inbox', element: <InboxPage /> },
      { path: 'inbox/:id', element: <InboxPage /> },
      { path: '*', element: <Missing /> },
    ],
  },
]);

function Themed() {
  const { language } = useTexts();
  const { dark } = useAppearance();
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  }, [language]);
  return (
    <ConfigProvider
      locale={language === 'zh' ? zh : en}
      theme={{
        algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
        // The usual colours have too little contrast for small texts.
        token: {
          colorPrimary: '#0958d9',
          colorLink: dark ? '#69b1ff' : '#0958d9',
          colorError: dark ? '#ff9c99' : '#cf1322',
          colorTextDescription: dark ? '#a8a8a8' : '#595959',
        },
        components: dark
          ? { Tabs: { itemSelectedColor: '#69b1ff', itemHoverColor: '#91caff', inkBarColor: '#69b1ff' } }
          : {},
      }}
    >
      <Feedback component={false}>
        <RouterProvider router={router} />
      </Feedback>
    </ConfigProvider>
  );
}

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <LanguageProvider>
        <AppearanceProvider>
          <Themed />
        </AppearanceProvider>
      </LanguageProvider>
    </QueryClientProvider>
  );
}
