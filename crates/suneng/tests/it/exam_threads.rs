//! What went wrong with other examinations, and the test that keeps it from going wrong here. The table is read by a test: what
//! it names has to be there.
//!
//! | thread | test |
//! |---|---|
//! | answers are lost when the network is cut or the browser dies | suneng/tests/it/sitting.rs::a_paper_is_sat_through_a_cut_network_and_a_killed_server |
//! | answers are lost when the server dies | suneng/tests/it/bench.rs::a_tiny_examination_loses_nothing_also_when_it_is_killed |
//! | … or one of two | suneng/tests/it/bench.rs::two_nodes_of_which_one_is_killed_lose_nothing |
//! | handed in during the last minute while offline: no points | exams/tests/it/sitting.rs::the_clock_of_the_server_ends_it_and_grace_takes_what_was_given_in_time |
//! | what was restored is silently never sent again | suneng/tests/it/sitting.rs::a_paper_is_sat_through_a_cut_network_and_a_killed_server |
//! | "already taken" after the connection broke at the start | exams/tests/it/races.rs::two_nodes_begin_one_attempt_and_hand_it_in_once |
//! | another device is let in, or nobody ever is | exams/tests/it/sitting.rs::another_device_waits_for_an_invigilator_who_may_also_give_time |
//! | all begin at nine and the start is slow | suneng/tests/it/bench.rs::a_tiny_examination_loses_nothing_also_when_it_is_killed |
//! | statistics and export grow slow with the examinees | exams/tests/it/figures.rs::figures_lists_and_tallies_equal_a_recount |
//! | more points than the paper has, right answers marked wrong | questions/src/scoring/tests.rs::choices_stay_within_bounds_and_choosing_everything_never_wins |
//! | whoever chooses everything wins | questions/src/scoring/tests.rs::choices_stay_within_bounds_and_choosing_everything_never_wins |
//! | the key was wrong and nobody is marked again | exams/tests/it/results.rs::a_corrected_key_marks_anew_and_keeps_what_was_marked_before |
//! | one question twice in a paper | exams/tests/it/making.rs::what_is_alike_or_was_met_lately_is_not_drawn_and_twins_share_nothing |
//! | options always in the same order | questions/src/shuffle.rs::orders_of_seeds_never_change |
//! | blanks have to be marked by hand | questions/src/normal.rs::what_means_the_same_is_the_same |
//! | no import of many, the button for export is dead | questions/src/formats/tests.rs::what_is_written_comes_back_and_what_is_lost_is_named |
//! | Word files break: other parts, pictures of WPS, numbers by themselves | questions/src/formats/tests.rs::documents_of_word_and_wps_are_read_with_their_numbers_and_pictures |
//! | letters of full width, answers in brackets, kinds not recognised | questions/src/formats/tests.rs::papers_are_read_as_people_type_them |
//! | answers in a table at the end | questions/src/formats/tests.rs::answers_at_the_end_find_their_questions |
//! | one bad question stops a file, or goes unnoticed | questions/tests/it/pages.rs::a_paper_is_previewed_imported_and_its_faulty_question_mended |
//! | detection decides: zero points by machine | exams/tests/it/room.rs::signals_are_kept_once_and_bounded_and_decide_nothing |
//! | an appeal shows who marked, or nothing at all | suneng/tests/it/sitting.rs::another_tab_another_device_the_room_and_a_question_about_the_result |
//! | a session or a password ends and with it the sitting | suneng/tests/it/exams.rs::a_session_that_ends_does_not_end_a_sitting |
//! | results are seen before they are released | exams/tests/it/sitting.rs::results_are_shown_when_the_rules_say_so_and_a_cancelled_one_begins_no_more |
//! | two tabs | suneng/tests/it/sitting.rs::another_tab_another_device_the_room_and_a_question_about_the_result |
//! | an essay of 5 MB, sent twice, of another's paper | suneng/tests/it/exams.rs::it_is_sat_by_account_and_by_ticket_at_fixed_addresses |
//! | a question that is not on the paper | exams/tests/it/sitting.rs::who_proves_nothing_finds_nothing |
//! | files made with malice: entities, bombs | questions/src/formats/tests.rs::files_made_with_malice_or_of_other_kinds_are_refused |
//! | braces that are not closed | questions/src/formats/tests.rs::faulty_items_are_named_and_the_others_are_read |
//! | script in what is asked | questions/src/formats/tests.rs::markup_becomes_text |
//! | a bank or a paper that changes while people sit | exams/tests/it/making.rs::a_draft_changes_and_what_is_published_never_does |
//! | the disk is full in the middle | suneng/tests/it/exam_threads.rs::a_disk_that_fills_in_the_middle_loses_no_answer_it_acknowledged |

use exams::{Item, Paper, Section, Shows};
use kernel::Id;
use questions::{Kind, Question, Rule};
use serde_json::{Value, json};

use crate::approvals::House;
use crate::program::{Server, send};
use crate::sitting::{publish, tickets};

#[test]
fn every_thread_names_a_test_that_is_there() {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    testkit::threads_are_tested(include_str!("exam_threads.rs"), &crates, 30);
}

/// Ten essays.
fn paper() -> Paper {
    let item = |n: usize| Item {
        question: Question::new(Kind::Essay, format!("论述之{n}：结合实际谈谈体会。")),
        points: 1_000,
        from: None,
    };
    Paper {
        title: "论述".into(),
        sections: vec![Section {
            title: "论述题".into(),
            rule: Rule::Exact,
            pick: 10,
            items: (0..10).map(item).collect(),
        }],
        mixed: false,
        mixed_options: false,
    }
}

/// Asks a server; status and body.
fn ask(server: &Server, line: &str, proof: &str, body: &Value) -> (u16, Value) {
    let headers = format!("authorization: {proof}\r\ncontent-type: application/json\r\n");
    let (status, _, body) = send(
        &server.address,
        &format!("{line} HTTP/1.1"),
        &headers,
        &body.to_string(),
    );
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_in_the_middle_loses_no_answer_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let unit = house.unit(None, "市司法局").await;
    let exam = publish(&house, unit, &paper(), Shows::AtOnce).await;
    let names: Vec<String> = (0..60).map(|n| format!("考生{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tickets = tickets(&house, exam, &names).await;
    let size = |file: &str| std::fs::metadata(folder.path().join(file)).map_or(0, |m| m.len());
    let size = size("suneng.db") + size("suneng.db-wal");
    let begin = format!("POST /api/v1/exams/{exam}/attempts");
    let text = "字".repeat(4_900);
    let args = ["--data", folder.path().to_str().unwrap()];
    let (mut acknowledged, mut refused): (Vec<(Id, u16, i64)>, _) = (Vec::new(), None);
    let sat = tokio::task::block_in_place(|| {
        // No file may grow by more than two MiB: writing fails as on a full disk. Blocks of 512 bytes.
        let blocks = u32::try_from((size + (2 << 20)) / 512).unwrap();
        let server = Server::start_limited(&args, blocks);
        for (n, ticket) in tickets.iter().enumerate() {
            let proof = format!("Ticket {ticket}");
            let (status, begun) = ask(&server, &begin, &proof, &json!({ "device": "desk" }));
            if status != 201 {
                refused = Some(status);
                return n;
            }
            let attempt: Id = begun["attempt"].as_str().unwrap().parse().unwrap();
            let proof = format!("Bearer {}", begun["token"].as_str().unwrap());
            for item in begun["items"].as_array().unwrap() {
                let body =
                    json!({ "answers": [{ "item": item["item"], "seq": 1, "value": text }] });
                let line = format!("PUT /api/v1/attempts/{attempt}/answers");
                let (status, _) = ask(&server, &line, &proof, &body);
                if status != 200 {
                    refused = Some(status);
                    return n;
                }
                let item = u16::try_from(item["item"].as_i64().unwrap()).unwrap();
                acknowledged.push((attempt, item, 1));
            }
        }
        tickets.len()
    });
    assert_eq!(refused, Some(503), "the limit was met by number {sat}");
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    let attempts: Vec<Id> = acknowledged.iter().map(|(attempt, ..)| *attempt).collect();
    let kept = house.rooms.exams.kept(&attempts).await.unwrap();
    for answer in &acknowledged {
        assert!(kept.contains(answer), "{answer:?} was acknowledged");
    }
    // With room again whoever was stopped goes on where they were, and hands in.
    tokio::task::block_in_place(|| {
        let server = Server::start(&args);
        let proof = format!("Ticket {}", tickets[sat]);
        let (status, begun) = ask(&server, &begin, &proof, &json!({ "device": "desk" }));
        assert!(status == 200 || status == 201, "{status} {begun}");
        let proof = format!("Bearer {}", begun["token"].as_str().unwrap());
        let at = format!("/api/v1/attempts/{}", begun["attempt"].as_str().unwrap());
        let all: Vec<Value> = (begun["items"].as_array().unwrap().iter())
            .map(|item| json!({ "item": item["item"], "seq": 2, "value": text }))
            .collect();
        for answer in all {
            let body = json!({ "answers": [answer] });
            assert_eq!(
                ask(&server, &format!("PUT {at}/answers"), &proof, &body).0,
                200
            );
        }
        let (status, receipt) = ask(
            &server,
            &format!("POST {at}/submission"),
            &proof,
            &Value::Null,
        );
        assert_eq!(
            (status, &receipt["receipt"]["answered"]),
            (200, &json!(10)),
            "{receipt}"
        );
        assert!(server.stop());
    });
}
