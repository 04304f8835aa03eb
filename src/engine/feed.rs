//! Carries the items of an iterator that blocks to asynchronous code: they are taken on a thread of its own, one
//! ahead of their use.

use std::thread;

use tokio::sync::{mpsc, oneshot};

/// The items of an iterator. Its thread ends when this is dropped.
pub struct Feed<T> {
    /// `None` is the end.
    items: mpsc::Receiver<Option<T>>,
}

/// The thread could not be started, or has panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its thread has ended")]
pub struct FeedLost;

impl<T: Send + 'static> Feed<T> {
    /// Runs `open` on a thread of this name, and then the iterator that it returns. What it returns besides is there
    /// at once.
    ///
    /// # Errors
    /// [`FeedLost`] outside, the error of `open` inside.
    pub async fn open<H, I, E>(
        name: &str,
        open: impl FnOnce() -> Result<(H, I), E> + Send + 'static,
    ) -> Result<Result<(H, Self), E>, FeedLost>
    where
        H: Send + 'static,
        I: Iterator<Item = T>,
        E: Send + 'static,
    {
        let (report, opened) = oneshot::channel();
        let (sender, items) = mpsc::channel(1);
        let run = move || {
            let items = match open() {
                Ok((head, items)) => {
                    // If this fails, its reader has gone.
                    let _ = report.send(Ok(head));
                    items
                }
                Err(error) => return drop(report.send(Err(error))),
            };
            for item in items {
                if sender.blocking_send(Some(item)).is_err() {
                    return;
                }
            }
            let _ = sender.blocking_send(None);
        };
        thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|_| FeedLost)?;
        let opened = opened.await.map_err(|_| FeedLost)?;
        Ok(opened.map(|head| (head, Self { items })))
    }

    /// The next item; `None` after the last. The wait can be cancelled and started again at any time.
    ///
    /// # Errors
    /// [`FeedLost`].
    pub async fn next(&mut self) -> Result<Option<T>, FeedLost> {
        self.items.recv().await.ok_or(FeedLost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn items_come_in_order_and_end() {
        let opened = Feed::open("test", || Ok::<_, ()>(("head", 0..3))).await;
        let (head, mut feed) = opened.unwrap().unwrap();
        assert_eq!(head, "head");
        for expected in [Some(0), Some(1), Some(2), None] {
            assert_eq!(feed.next().await, Ok(expected));
        }
    }

    #[tokio::test]
    async fn an_error_and_a_panic_are_distinguished() {
        let failed = Feed::open("test", || Err::<((), std::ops::Range<i32>), _>("no")).await;
        assert_eq!(failed.map(|opened| opened.err()), Ok(Some("no")));
        let panics = (0..2).map(|number| if number == 1 { panic!("on purpose") } else { number });
        let opened = Feed::open("test", || Ok::<_, ()>(((), panics))).await;
        let ((), mut feed) = opened.unwrap().unwrap();
        assert_eq!(feed.next().await, Ok(Some(0)));
        assert_eq!(feed.next().await, Err(FeedLost));
    }
}
