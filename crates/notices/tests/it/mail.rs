//! Mail, handed to a mail server that the test plays.

use std::sync::{Arc, Mutex};

use db::transaction;
use kernel::PersonId;
use notices::{Choice, Delivered, MIGRATIONS, Notice, Reader, Smtp};
use testkit::on_both;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use web::{Catalog, Lang};

use crate::{Book, notice, notices};

/// A mail server: what it answers to a recipient, and the letters it took.
#[derive(Clone, Default)]
struct Server {
    refusal: Arc<Mutex<Option<&'static str>>>,
    letters: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        format!("smtp://127.0.0.1:{port}")
    }

    async fn talk(&self, stream: tokio::net::TcpStream) -> Option<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 test\r\n").await.ok()?;
        while let Some(line) = lines.next_line().await.ok()? {
            let word = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let answer = match word.as_str() {
                "EHLO" => "250 test".to_owned(),
                "RCPT" => self.refusal.lock().unwrap().unwrap_or("250 ok").to_owned(),
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await.ok()?;
                    let mut letter = String::new();
                    while let Some(line) = lines.next_line().await.ok()? {
                        if line == "." {
                            break;
                        }
                        letter.push_str(&line);
                        letter.push('\n');
                    }
                    self.letters.lock().unwrap().push(letter);
                    "250 taken".to_owned()
                }
                _ => "250 ok".to_owned(),
            };
            write
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .ok()?;
        }
        Some(())
    }

    fn letters(&self) -> Vec<String> {
        std::mem::take(&mut *self.letters.lock().unwrap())
    }
}

fn texts() -> Catalog {
    let all = [web::MESSAGES, notices::MESSAGES].concat();
    Catalog::new(
        all.into_iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, text))),
    )
}

#[tokio::test]
async fn mail_is_sent_to_those_who_want_it_and_tried_again() {
    on_both(MIGRATIONS, |t| async move {
        let (server, book) = (Server::default(), Book::default());
        let url = server.start().await;
        let notices = notices(&t, &book).with_courier(Smtp::at(&url).unwrap());
        let (a, b): (PersonId, PersonId) = (t.env.new_id(), t.env.new_id());
        let address = |person, text: &str| {
            book.addresses
                .lock()
                .unwrap()
                .insert(person, text.to_owned())
        };
        address(a, "a@bureau.example");
        address(b, "b@bureau.example");
        let texts = texts();
        let send = async |notice: &Notice| {
            let to = [Reader::Person(a), Reader::Person(b)];
            transaction!(t.db, |tx| notices.send(tx, &to, notice).await).unwrap();
        };
        let done = |sent, later, given_up| Delivered {
            sent,
            later,
            given_up,
        };
        let deliver = async || notices.deliver(&texts).await.unwrap();

        send(&notice(None)).await;
        assert_eq!(deliver().await, done(0, 0, 0), "nobody chose mail");
        let english = Choice {
            mail: true,
            lang: Lang::En,
        };
        notices.choose(Reader::Person(a), english).await.unwrap();
        send(&notice(None)).await;
        assert_eq!(deliver().await, done(1, 0, 0));
        let letter = server.letters().pop().unwrap();
        for part in [
            "To: a@bureau.example",
            "7 new notices",
            "https://suneng.example/notices/0",
            "@bureau.example>",
            "Date: Fri, 20 Nov 2026 04:00:00 +0000",
        ] {
            assert!(letter.contains(part), "{part} is not in {letter}");
        }
        assert_eq!(deliver().await, done(0, 0, 0), "once");

        // The server is busy: later, with growing pauses; then several lines share a letter.
        *server.refusal.lock().unwrap() = Some("451 busy");
        send(&notice(None)).await;
        assert_eq!(deliver().await, done(0, 1, 0));
        assert_eq!(deliver().await, done(0, 0, 0), "not at once");
        t.clock.advance(61);
        assert_eq!(deliver().await, done(0, 1, 0));
        *server.refusal.lock().unwrap() = None;
        t.clock.advance(61);
        assert_eq!(deliver().await, done(0, 0, 0), "the second pause is longer");
        let secret = Notice {
            confidential: true,
            ..notice(None)
        };
        t.clock.advance(60);
        send(&secret).await;
        assert_eq!(deliver().await, done(1, 0, 0));
        let letter = server.letters().pop().unwrap();
        assert!(
            letter.contains("2 new notices") && letter.contains("You have a new notice"),
            "{letter}"
        );

        // A refused address is given up, a missing one too; neither stops the others.
        *server.refusal.lock().unwrap() = Some("550 no such user");
        send(&notice(None)).await;
        assert_eq!(deliver().await, done(0, 0, 1));
        assert_eq!(notices.mail_state().await.unwrap(), (0, 1));
        *server.refusal.lock().unwrap() = None;
        address(a, "no address");
        notices.choose(Reader::Person(b), english).await.unwrap();
        send(&notice(None)).await;
        assert_eq!(deliver().await, done(1, 0, 1));
        assert_eq!(server.letters().len(), 1);
        assert_eq!(
            notices.unread(&[Reader::Person(a)]).await.unwrap(),
            6,
            "all are in the product"
        );
    })
    .await;
}

#[test]
fn a_wrong_address_of_the_server_is_not_repeated() {
    let error = Smtp::at("smtp//user:hunter2@host").err().unwrap();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
