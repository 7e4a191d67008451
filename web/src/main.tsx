import { createRoot } from 'react-dom/client';
import { App } from './App';
import { configureProFlow } from './api/client';
import { restoreSession, token } from './api/session';
import { browserLanguage } from './i18n';
import { MESSAGES } from './i18n/messages';

configureProFlow({ token, language: browserLanguage });
restoreSession(() => window.confirm(MESSAGES['signIn.replace'][browserLanguage() === 'zh' ? 0 : 1]));
// Another token pasted into the address of an open page.
window.addEventListener('hashchange', () => {
  if (window.location.hash.startsWith('#token=')) window.location.reload();
});

createRoot(document.getElementById('root') as HTMLElement).render(<App />);
